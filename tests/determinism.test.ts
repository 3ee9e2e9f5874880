import { describe, expect, it } from "vitest";
import { killedAndResumed, undisturbed } from "./crash.ts";
import { sophiaSteps } from "./fixtures/sophia-steps.ts";

const hashes = new Map<string, Promise<string>>();

/** Final model hash of an in-process run, which several tests compare with; computed once. */
function inProcess(algorithm: string, own?: ReturnType<typeof drawing>): Promise<string> {
  const key = own === undefined ? algorithm : own.algorithm.name;
  const hash = hashes.get(key) ?? undisturbed(algorithm, 0, own).then((run) => run.hash);
  hashes.set(key, hash);
  return hash;
}

const drawing = (estimate: "signs" | "uniform") => ({ algorithm: sophiaSteps(estimate) });

/**
 * The W1 model (1.6 M parameters) with dropout; SCAFFOLD also keeps state on clients, FedBCGD+ sends blocks, FedBuff
 * takes updates in the order of simulated time, "robust" has a rule that sees every update, and the nodes of MoNNA have
 * models of their own. "attacked" has attackers with a memory.
 */
describe.each([
  "fedavg",
  "scaffold",
  "fedbcgd+",
  "fedbuff",
  "robust",
  "monna",
  "attacked",
])("the same bits for %s as in-process", (algorithm) => {
  it.each([1, 2, 3])("at %i workers", async (workers) => {
    expect((await undisturbed(algorithm, workers)).hash).toBe(await inProcess(algorithm));
  });
});

describe.each(["signs", "uniform"] as const)("the same bits for local steps that draw %s", (estimate) => {
  it.each([1, 3])("at %i workers", async (workers) => {
    const own = drawing(estimate);
    expect((await undisturbed("fedavg", workers, own)).hash).toBe(await inProcess("fedavg", own));
  });
});

// crash-everywhere.slow.test.ts kills at every event
it.each([
  "scaffold",
  "robust",
  "attacked",
])("the same bits for %s after kill -9 between evaluation and checkpoint", async (name) => {
  const resumed = await killedAndResumed(name, 4);
  expect(resumed).toEqual({ hash: await inProcess(name), rounds: [1, 2, 3] });
});

it("the same bits for nodes without a server after kill -9 in the second round", async () => {
  const resumed = await killedAndResumed("monna", 9);
  expect(resumed).toEqual({ hash: await inProcess("monna"), rounds: [1, 2, 3] });
});
