import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ConfigInput,
  type CustomParts,
  createAccountant,
  decodeSafetensors,
  type PrivacyEventInput,
  type RunEvent,
  resolveConfig,
} from "@anabranch/core";
import { resumeRun, simulate, startRun } from "@anabranch/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const config = (initialWeights?: string): ConfigInput => ({
  rounds: 2,
  data: { clients: 20, partition: { scheme: "iid" } },
  model: { name: "logistic", ...(initialWeights === undefined ? {} : { initialWeights }) },
  algorithm: { name: "dp-fedavg" },
  training: { localSteps: 1 },
  sampler: { cohort: 4 },
  evaluation: { every: 0 },
  privacy: { mechanism: "gaussian", noiseMultiplier: 2, delta: 0.01 },
});

const epsilonOf = (count: number) => {
  const event: PrivacyEventInput = { kind: "poisson-gaussian", samplingRate: 0.2, noiseMultiplier: 2, count };
  return createAccountant("rdp").epsilon([event], 0.01).epsilon;
};

let runs: string;
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), "anabranch-continued-"));
});
afterAll(() => rm(runs, { recursive: true, force: true }));

/** What the last round of a simulation in memory says was spent. */
async function spentIn(initialWeights?: string, own: CustomParts = {}) {
  const events: RunEvent[] = [];
  await simulate(config(initialWeights), { workers: 0, onEvent: (event) => events.push(event) }, own);
  return events.flatMap((event) => (event.type === "round.finished" ? [event.privacy] : [])).at(-1);
}

describe("a private run that was interrupted after its first round", () => {
  it("leaves a model that counts one round, and once resumed one that counts all", async () => {
    const stop = new AbortController();
    const options = { runs, workers: 0 };
    const cut = await startRun(resolveConfig(config()), {
      ...options,
      signal: stop.signal,
      onEvent: ({ type }) => type === "round.finished" && stop.abort(),
    });
    expect(cut.result).toMatchObject({ stopped: "interrupted", round: 1 });
    const file = join(cut.folder, "model.safetensors");
    expect(await spentIn(file)).toMatchObject({ epsilon: epsilonOf(3), before: epsilonOf(1) });
    await resumeRun(cut.folder, options);
    expect(await spentIn(file)).toMatchObject({ epsilon: epsilonOf(4), before: epsilonOf(2) });
  });
});

describe("simulate", () => {
  it("takes the record that comes with own weights, and says that it has none", async () => {
    const { folder } = await startRun(resolveConfig(config()), { runs, workers: 0 });
    const path = join(folder, "model.safetensors");
    const weights = decodeSafetensors(new Uint8Array(await readFile(path)), path);
    expect(await spentIn(undefined, { weights })).toMatchObject({ epsilon: epsilonOf(4), before: epsilonOf(2) });
    const bare = { weights: { tensors: weights.tensors } };
    // own weights come before those of a file, and so does what is said of them
    for (const file of [undefined, path]) {
      expect(await spentIn(file, bare)).toMatchObject({ epsilon: epsilonOf(2), covered: false });
    }
  });
});
