import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig, VERSION } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startRun } from "../run/session.ts";
import { expandSweep, type Sweep } from "./expand.ts";
import { findRuns } from "./found-runs.ts";
import { parseSweepFile } from "./sweep-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-found-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes the data set: twelve rows of two features, the first of them `first`. */
async function writeData(first: number): Promise<void> {
  await writeFile(join(folder, "first.txt"), String(first));
  await writeFile(
    join(folder, "data.mjs"),
    `import { readFileSync } from "node:fs";
    export default () => {
      const data = Float32Array.from({ length: 24 }, (_, i) => i / 24);
      data[0] = Number(readFileSync(new URL("first.txt", import.meta.url), "utf8"));
      const labels = { dtype: "uint8", shape: [12], data: Uint8Array.from({ length: 12 }, (_, i) => i % 2) };
      const split = { name: "own", classes: 2, features: { dtype: "float", shape: [12, 2], data }, labels };
      return { train: split, test: split };
    };`,
  );
}

function openSweep(): Sweep {
  const base = `
    rounds = 2
    [data]
    file = ${JSON.stringify(join(folder, "data.mjs"))}
    clients = 2
    partition = { scheme = "iid" }
    [model]
    name = "logistic"
    [sampler]
    cohort = 2`;
  const spec = parseSweepFile('base = "base.toml"\nseeds = [1, 2]', "s.toml");
  return expandSweep(spec, (set) => parseConfig(base, "base.toml", set), "s.toml");
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
}

const runs = () => join(folder, "runs");
const train = (sweep: Sweep) => startRun(sweep.cases[0]!.run(1, {}).config, { runs: runs(), workers: 0 });

describe("a run of a sweep that is there already", () => {
  it("is reused on the same data", async () => {
    await writeData(0);
    const sweep = openSweep();
    const run = await train(sweep);
    const { identity } = sweep.cases[0]!.run(1, {});
    const { reusable, notReused } = await findRuns(sweep, runs());
    expect([...reusable]).toEqual([[identity, { folder: run.folder, complete: true, rounds: 2 }]]);
    expect(notReused.size).toBe(0);
  });

  it("is not reused on other data, unless its log does not name its own", async () => {
    await writeData(0);
    const sweep = openSweep();
    const run = await train(sweep);
    await writeData(1);
    const { reusable, notReused } = await findRuns(sweep, runs());
    expect(reusable.size).toBe(0);
    const [one] = [...notReused.values()];
    const hash = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(one).toEqual({ run: run.id, folder: run.folder, reason: "data", before: hash, now: hash });
    expect(one!.now).not.toBe(one!.before);

    // another run, on the data of today, takes its place
    const again = await train(sweep);
    const later = await findRuns(sweep, runs());
    expect([...later.reusable.values()]).toMatchObject([{ folder: again.folder }]);
    expect(later.notReused.size).toBe(0);

    await rm(again.folder, { recursive: true });
    await edit(join(run.folder, "events.jsonl"), (text) => text.replace(/,"dataHash":"[0-9a-f]+"/, ""));
    expect([...(await findRuns(sweep, runs())).reusable.values()]).toMatchObject([{ folder: run.folder }]);
  });

  it("is not reused from another version", async () => {
    await writeData(0);
    const sweep = openSweep();
    const run = await train(sweep);
    await edit(join(run.folder, "events.jsonl"), (text) =>
      text.replace(`"packageVersion":"${VERSION}"`, '"packageVersion":"0.0.0"'),
    );
    const { reusable, notReused } = await findRuns(sweep, runs());
    expect(reusable.size).toBe(0);
    expect([...notReused.values()]).toEqual([
      { run: run.id, folder: run.folder, reason: "version", before: "0.0.0", now: VERSION },
    ]);
  });
});
