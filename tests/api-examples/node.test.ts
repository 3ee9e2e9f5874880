// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.
import { describe, it } from "vitest";
import { exampleCount } from "@anabranch/core";
import { acquireLock, createRunFolder, diskFileSystem, executorNames, fileSystemBelow, findRun, isLocked, isRunFolder, listDatasets, listRuns, loadDataset, openDiskBlobStore, openExecutor, openRunFolder, readEvents, simulate, writeAtomically, writeRunFile } from "@anabranch/node";
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

  it("executorNames (node/src/executors.ts)", async () => {
    same(executorNames, ["onnxruntime-node", "onnxruntime-web", "interpreter"]);
  });

  it("openExecutor (node/src/executors.ts)", async () => {
    same((await openExecutor("interpreter")).float, "float64");
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
});
