import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataSource, prepareRun, resolveConfig } from "@anabranch/core";
import { describeTask, openTask, type TaskDescription } from "@anabranch/core/live";
import { AnabranchError, interpreter } from "@anabranch/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadDataset } from "../data/load-dataset.ts";
import { type ClientDataOptions, clientData } from "./client-data.ts";
import { pointsCsv, pointsRun } from "./testing/points-run.ts";

let folder: string;
let run: Awaited<ReturnType<typeof pointsRun>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-client-data-"));
  run = await pointsRun(folder, interpreter(), { data: { holdout: 0.2 } });
});

afterAll(() => rm(folder, { recursive: true }));

const warnings: string[] = [];
const load = (options: Partial<ClientDataOptions>, client = 0, description: TaskDescription = run.description) =>
  clientData({
    ...{ data: undefined, trial: false, dataDir: undefined, holdoutKey: [1, 2] },
    warn: (text) => warnings.push(text),
    ...options,
  })(description, client);

async function failureOf(promise: Promise<unknown>): Promise<AnabranchError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AnabranchError) return error;
  throw new Error(`no failure: ${String(error)}`);
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return `csv:${join(folder, name)}`;
}

describe("a client of a trial", () => {
  it("has exactly the rows that the simulation gives to its number", async () => {
    const { train, holdout } = run.prepared.simulation;
    for (const client of [0, 1, 2]) {
      const examples = await load({ trial: true, data: run.dataset }, client);
      expect(examples.train).toEqual(openDataSource(train).load(client));
      expect(examples.holdout).toEqual(openDataSource(holdout!).load(client));
    }
    expect(warnings.at(-1)).toContain("whole data set");
  });

  it("takes a bundled data set by the server's word, and no file", async () => {
    const own = { ...run.description.partition!, dataset: "csv:points.csv" };
    const refused = await failureOf(load({ trial: true }, 0, { ...run.description, partition: own }));
    expect(refused.code).toBe("usage/client-data");
    for (const dataset of ["module:evil.ts", "../points", "/etc/passwd", "images:/"]) {
      const partition = { ...own, dataset };
      expect((await failureOf(load({ trial: true }, 0, { ...run.description, partition }))).code).toBe(
        "usage/client-data",
      );
    }
    const bundled = { ...own, dataset: "fashion-mnist-10k" };
    // it is loaded, and found to be another kind of data
    const other = await failureOf(load({ trial: true }, 0, { ...run.description, partition: bundled }));
    expect(other.code).toBe("data/schema");
  });

  it("is refused where there is no partition, or no share of its number", async () => {
    const { partition: _none, ...without } = run.description;
    expect((await failureOf(load({ trial: true, data: run.dataset }, 0, without))).code).toBe("usage/client-data");
    expect((await failureOf(load({ trial: true, data: run.dataset }, 3))).code).toBe("data/share");
  });
});

describe("a client with its own data", () => {
  it("uses all rows, with labels by the names of their classes", async () => {
    // only two classes occur here, and their order is another one
    const data = await file("own.csv", "x,y,label\n1,2,west\n3,4,north\n5,6,west\n7,8,west");
    const { train, holdout } = await load({ data }, 0, { ...run.description, partition: undefined });
    expect(run.description.data.classNames).toEqual(["north", "south", "west"]);
    expect([...train.labels.data]).toEqual([2, 0, 2, 2]);
    expect([...train.features.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(train.features.data).toBeInstanceOf(Float64Array);
    expect(holdout).toBeUndefined();
  });

  it("holds out the share that the run asks of its clients, by its own key", async () => {
    const data = await file("more.csv", pointsCsv(50, 500));
    const first = await load({ data });
    expect(first.train.labels.shape).toEqual([40]);
    expect(first.holdout?.labels.shape).toEqual([10]);
    expect((await load({ data, holdoutKey: [3, 4] })).holdout).not.toEqual(first.holdout);
  });

  it("keeps the test rows of a file apart where its name has them", async () => {
    const data = await file("tested.csv", pointsCsv(50, 500));
    const whole = { ...run.description, partition: undefined };
    expect((await load({ data: `${data}?testFraction=0.5` }, 0, whole)).train.labels.shape[0]).toBeLessThan(30);
    const test = await file("test.csv", pointsCsv(9));
    expect((await load({ data: `${data}?test=${test.slice(4)}` }, 0, whole)).train.labels.shape).toEqual([50]);
  });

  it.each([
    ["a class that the run does not have", "x,y,label\n1,2,east", "data/class-names"],
    ["another number of features", "x,y,z,label\n1,2,3,north", "data/schema"],
    ["a missing value", "x,y,label\n1,,north", "data/csv-value"],
  ])("is refused with %s", async (_what, text, code) => {
    expect((await failureOf(load({ data: await file("bad.csv", text) }))).code).toBe(code);
  });

  it("is encoded as the run's table is: columns by name, categories, scale, filled values", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i},${i % 2 ? "oak" : "elm"},${i % 3 ? "a" : "b"}`);
    const dataset = await file("trees.csv", ["size,kind,y", ...rows].join("\n"));
    const table = { standardize: true, missing: "mean" as const };
    const tree = resolveConfig({
      data: { dataset: `${dataset}?label=y`, clients: 2, partition: { scheme: "iid" }, table },
      model: { name: "mlp", hidden: [2] },
      sampler: { cohort: 2 },
    });
    const { name, version, float } = interpreter();
    const data = await loadDataset(tree.data.dataset, { reading: { table } });
    const prepared = prepareRun(tree, data, { name, version, float, fingerprint: "" }, 0, "abc235");
    const description = { ...describeTask(tree, prepared), partition: undefined };
    const { mean, deviation, fill } = description.data.table!.columns[0] as unknown as Record<string, number>;
    const own = await file("own-trees.csv", "y,kind,size\nb,oak,4\na,,\n");
    const { train } = await load({ data: `${own}?label=y` }, 0, description);
    expect([...train.labels.data]).toEqual([1, 0]);
    const scaled = (value: number) => Math.fround((Math.fround(value) - mean!) / deviation!);
    expect([...train.features.data]).toEqual([scaled(4), 0, 1, scaled(fill!), 1, 0]);
    const unknown = await file("ash.csv", "y,kind,size\nb,ash,4\n");
    expect((await failureOf(load({ data: `${unknown}?label=y` }, 0, description))).code).toBe("data/category");
    const without = await file("less.csv", "y,kind\nb,oak\n");
    expect((await failureOf(load({ data: `${without}?label=y` }, 0, description))).code).toBe("data/column");
    // the trial's share is that of the simulation
    const shared = await load({ trial: true, data: tree.data.dataset }, 1, describeTask(tree, prepared));
    expect(shared.train).toEqual(openDataSource(prepared.simulation.train).load(1));
    const module = { ...run.description.data, table: description.data.table! };
    const plain = failureOf(load({ data: run.dataset }, 0, { ...run.description, data: module }));
    expect((await plain).code).toBe("data/schema");
  });

  it("has numbers as labels where the run predicts numbers, on the scale of the run", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i},${10 * i}`);
    const dataset = await file("prices.csv", ["size,price", ...rows].join("\n"));
    const table = { standardize: true, target: "number" as const };
    const priced = resolveConfig({
      data: { dataset: `${dataset}?label=price`, clients: 2, partition: { scheme: "iid" }, table },
      model: { name: "linear" },
      sampler: { cohort: 2 },
    });
    const { name, version, float } = interpreter();
    const data = await loadDataset(priced.data.dataset, { reading: { table } });
    const prepared = prepareRun(priced, data, { name, version, float, fingerprint: "" }, 0, "abc236");
    const description = { ...describeTask(priced, prepared), partition: undefined };
    const { mean, deviation } = description.data.table!.target!;
    const own = `${await file("own-prices.csv", "size,price\n4,55\n")}?label=price`;
    const { train } = await load({ data: own }, 0, description);
    expect([...train.labels.data]).toEqual([Math.fround((55 - mean) / deviation)]);
    expect(openTask(description).task.program.hash).toBe(description.programHash);
    expect((await failureOf(load({ data: own }, 0, run.description))).code).toBe("data/schema");
  });

  it("is refused without any, with what to do", async () => {
    const { code, failure } = await failureOf(load({}));
    expect(code).toBe("usage/client-data");
    expect(failure.advice).toContain("--data");
  });
});
