import { describe, expect, it } from "vitest";
import { killedAndResumed, undisturbed } from "./crash.ts";
import { sophiaSteps } from "./fixtures/sophia-steps.ts";

/** The W1 model (1.6 M parameters) with dropout; SCAFFOLD also keeps state on clients, and FedBCGD+ sends blocks. */
describe("the same bits", () => {
  it.each(["fedavg", "scaffold", "fedbcgd+"])("for %s in-process, at 1, 2 and 3 workers", async (algorithm) => {
    const { hash } = await undisturbed(algorithm, 0);
    for (const workers of [1, 2, 3]) expect((await undisturbed(algorithm, workers)).hash).toBe(hash);
  });

  it.each(["signs", "uniform"] as const)("for local steps that draw %s", async (estimate) => {
    const own = { algorithm: sophiaSteps(estimate) };
    const { hash } = await undisturbed("fedavg", 0, own);
    for (const workers of [1, 3]) expect((await undisturbed("fedavg", workers, own)).hash).toBe(hash);
  });

  it("after kill -9 in the middle of a round, between evaluation and checkpoint, and before the first one", async () => {
    const { hash } = await undisturbed("scaffold", 0);
    for (const event of [2, 4, 7]) {
      const resumed = await killedAndResumed("scaffold", event);
      expect(resumed).toEqual({ hash, rounds: [1, 2, 3] });
    }
  });
});
