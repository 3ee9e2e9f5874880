// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.
import { describe, it } from "vitest";
import { AnabranchError, exampleCount, fedavg, prepareQuadratics, resolveConfig } from "@anabranch/core";
import { interpreter } from "@anabranch/engine";
import { EventLog, RunIndex, WorkerPool, acquireLock, cacheFolder, createRunFolder, datasetSources, diskFileSystem, executorNames, fileSystemBelow, findRun, isLocked, isRunFolder, listDatasets, listRuns, loadDataset, openDiskBlobStore, openExecutor, openLedger, openRunFolder, openSimulation, readEvents, resumeRun, simulate, startRun, storageError, writeAtomically, writeRunFile } from "@anabranch/node";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { same } from "./same.ts";

describe("the example of", () => {
  it("listDatasets (node/src/data/load-dataset.ts)", async () => {
    same(listDatasets().some(({ name }) => name === "fashion-mnist-10k"), true);
  });

  it("loadDataset (node/src/data/load-dataset.ts)", async () => {
    const { train } = await loadDataset("fashion-mnist-10k");
    same(exampleCount(train), 8000);
  });

  it("cacheFolder (node/src/data/places.ts)", async () => {
    same(cacheFolder({ cacheDir: "/tmp/cache" }).endsWith("cache"), true);
  });

  it("datasetSources (node/src/data/sources.ts)", async () => {
    same(Object.keys(datasetSources), ["fashion-mnist"]);
  });

  it("executorNames (node/src/executors.ts)", async () => {
    same(executorNames, ["onnxruntime-node", "onnxruntime-web", "interpreter"]);
  });

  it("openExecutor (node/src/executors.ts)", async () => {
    same((await openExecutor("interpreter")).float, "float64");
  });

  it("startRun (node/src/run/session.ts)", async () => {
    const config = resolveConfig({
      rounds: 1,
      data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
      execution: { executor: "interpreter" },
    });
    const runs = await mkdtemp(join(tmpdir(), "runs-"));
    const { files } = await startRun(config, { runs, workers: 0 });
    same(files.includes("report.html"), true);
  });

  it("resumeRun (node/src/run/session.ts)", async () => {
    const config = resolveConfig({
      rounds: 1,
      data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
      execution: { executor: "interpreter" },
    });
    const runs = await mkdtemp(join(tmpdir(), "runs-"));
    const first = await startRun(config, { runs, workers: 0 });
    const again = await resumeRun(first.folder, { runs, workers: 0 });
    same(again.result.modelHash === first.result.modelHash, true);
  });

  it("simulate (node/src/run/simulate.ts)", async () => {
    const result = await simulate({
      rounds: 2,
      data: { dataset: "synthetic", clients: 4, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
      execution: { executor: "interpreter", workers: 1 },
    });
    same(result.history.length, 2);
  });

  it("openSimulation (node/src/run/simulation.ts)", async () => {
    const config = resolveConfig({
      data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
      execution: { executor: "interpreter" },
    });
    const simulation = await openSimulation(config, "example", { workers: 0 });
    same(simulation.plan.population, 2);
    await simulation.close();
  });

  it("openDiskBlobStore (node/src/store/disk-blob-store.ts)", async () => {
    const blobs = await openDiskBlobStore(await mkdtemp(join(tmpdir(), "blobs-")));
    await blobs.put("checkpoints/1", Uint8Array.of(1, 2));
    same(await blobs.list(""), ["checkpoints/1"]);
  });

  it("diskFileSystem (node/src/store/disk-file-system.ts)", async () => {
    same(typeof diskFileSystem.makeFolder, "function");
  });

  it("fileSystemBelow (node/src/store/disk-file-system.ts)", async () => {
    same(typeof fileSystemBelow(tmpdir()).makeFolder, "function");
  });

  it("readEvents (node/src/store/event-lines.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    await writeFile(join(root, "events.jsonl"), "");
    const types: string[] = [];
    for await (const event of readEvents(join(root, "events.jsonl"))) types.push(event.type);
    same(types, []);
  });

  it("EventLog (node/src/store/event-log.ts)", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "runs-")), "events.jsonl");
    const log = await EventLog.open(path);
    same(log.path === path, true);
    await log.close();
  });

  it("writeAtomically (node/src/store/file-system.ts)", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "runs-")), "notes.txt");
    await writeAtomically(diskFileSystem, path, Buffer.from("done"));
    same(await readFile(path, "utf8"), "done");
  });

  it("listRuns (node/src/store/find-run.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    same(await listRuns(root), []);
  });

  it("findRun (node/src/store/find-run.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    const found = await findRun(root, "last").catch(({ code }) => code);
    same(found, "run/not-found");
  });

  it("openLedger (node/src/store/ledger/open-ledger.ts)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ledger-"));
    const ledger = await openLedger(join(folder, "ledger.sqlite"), "k3f9a2");
    await ledger.close();
  });

  it("acquireLock (node/src/store/lock.ts)", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "runs-")), "lock");
    const lock = await acquireLock(path);
    same(await isLocked(path), true);
    await lock.release();
  });

  it("isLocked (node/src/store/lock.ts)", async () => {
    same(await isLocked(join(tmpdir(), "no-such-lock")), false);
  });

  it("createRunFolder (node/src/store/run-folder.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    const run = await createRunFolder({ root, name: "first" });
    same(run.id.length, 6);
  });

  it("openRunFolder (node/src/store/run-folder.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    const { folder, paths } = await createRunFolder({ root, name: "first" });
    await writeRunFile(paths.config, 'name = "first"\n');
    same((await openRunFolder(folder)).paths.report.endsWith("report.html"), true);
  });

  it("isRunFolder (node/src/store/run-folder.ts)", async () => {
    same(await isRunFolder(tmpdir()), false);
  });

  it("writeRunFile (node/src/store/run-folder.ts)", async () => {
    const root = await mkdtemp(join(tmpdir(), "runs-"));
    const { paths, folder } = await createRunFolder({ root, name: "first" });
    await writeRunFile(paths.config, 'name = "first"\n');
    same(await isRunFolder(folder), true);
  });

  it("RunIndex (node/src/store/run-index.ts)", async () => {
    const index = await RunIndex.open(await mkdtemp(join(tmpdir(), "runs-")));
    same(await index.list(), []);
    index.close();
  });

  it("storageError (node/src/store/storage-error.ts)", async () => {
    const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    const error = storageError(full, { what: "the model", path: "model.onnx" });
    same((error as AnabranchError).code, "store/disk-full");
  });

  it("WorkerPool (node/src/workers/pool.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
    const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
    const pool = await WorkerPool.start(simulation, { executor: "interpreter", workers: 1 });
    same((await pool.evaluate(plan.initial)).loss, 2);
    await pool.close();
  });
});
