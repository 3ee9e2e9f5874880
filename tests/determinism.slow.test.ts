import { describe, expect, it } from "vitest";
import { killedAndResumed, undisturbed } from "./crash.ts";
import { sophiaSteps } from "./fixtures/sophia-steps.ts";

const hashes = new Map<string, Promise<string>>();

/** Final model hash of an in-process run, which several tests compare with; computed once. */
function inProcess(algorithm: string): Promise<string> {
  const hash = hashes.get(algorithm) ?? undisturbed(algorithm, 0).then((run) => run.hash);
  hashes.set(algorithm, hash);
  return hash;
}

describe.each(["fedavg", "scaffold", "fedbcgd+", "fedbuff"])("the same bits for %s as in-process", (algorithm) => {
  it.each([1, 2, 3])("at %i workers", async (workers) => {
    expect((await undisturbed(algorithm, workers)).hash).toBe(await inProcess(algorithm));
  });
});

it.each([
  "signs",
  "uniform",
] as const)("the same bits for local steps that draw %s, at 1 and 3 workers", async (estimate) => {
  const own = { algorithm: sophiaSteps(estimate) };
  const { hash } = await undisturbed("fedavg", 0, own);
  for (const workers of [1, 3]) expect((await undisturbed("fedavg", workers, own)).hash).toBe(hash);
});

/**
 * "robust" has a rule that sees every update, the nodes of MoNNA and Bristle have models of their own, "attacked" has
 * attackers with a memory, nodes of MoDeST pick the cohort.
 */
describe.each([
  "robust",
  "monna",
  "bristle",
  "attacked",
  "modest",
])("the same bits for %s as in-process", (algorithm) => {
  it.each([1, 2, 3])("at %i workers", async (workers) => {
    expect((await undisturbed(algorithm, workers)).hash).toBe(await inProcess(algorithm));
  });
});

it.each([
  "personal",
  "ifca",
  "adaptive-clusters",
  "adapters",
  "rffl",
])("the same bits for %s at 2 workers as in-process", async (algorithm) => {
  expect((await undisturbed(algorithm, 2)).hash).toBe(await inProcess(algorithm));
});

it.each([
  "robust",
  "attacked",
  "personal",
  "adaptive-clusters",
  "adapters",
  "rffl",
])("the same bits for %s after kill -9 between evaluation and checkpoint", async (name) => {
  const resumed = await killedAndResumed(name, 4);
  expect(resumed).toEqual({ hash: await inProcess(name), rounds: [1, 2, 3] });
});

it.each([
  ["monna", 9],
  ["bristle", 9],
  ["modest", 10],
])("the same bits for nodes without a server after kill -9 in the second round of %s", async (name, event) => {
  const resumed = await killedAndResumed(name, event);
  expect(resumed).toEqual({ hash: await inProcess(name), rounds: [1, 2, 3] });
});
