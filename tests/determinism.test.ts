import { expect, it } from "vitest";
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
 * takes updates in the order of simulated time.
 */
it.each([
  ["fedavg", 2],
  ["scaffold", 3],
  ["fedbcgd+", 2],
  ["fedbuff", 3],
])("the same bits for %s as in-process at %i workers", async (algorithm, workers) => {
  expect((await undisturbed(algorithm, workers)).hash).toBe(await inProcess(algorithm));
});

it.each(["signs", "uniform"] as const)("the same bits for local steps that draw %s, at 3 workers", async (estimate) => {
  const own = drawing(estimate);
  expect((await undisturbed("fedavg", 3, own)).hash).toBe(await inProcess("fedavg", own));
});

// determinism.slow.test.ts has other numbers of workers, and kills; pool.test.ts has all numbers on a small model
it.each([
  "robust",
  "monna",
  "attacked",
  "personal",
  "ifca",
  "adaptive-clusters",
  "adapters",
])("the same bits for %s at 2 workers as in-process", async (algorithm) => {
  expect((await undisturbed(algorithm, 2)).hash).toBe(await inProcess(algorithm));
});

// crash-everywhere.slow.test.ts kills at every event
it.each([
  "scaffold",
  "personal",
  "adaptive-clusters",
  "adapters",
])("the same bits of %s after kill -9 between evaluation and checkpoint", async (name) => {
  const resumed = await killedAndResumed(name, 4);
  expect(resumed).toEqual({ hash: await inProcess(name), rounds: [1, 2, 3] });
});
