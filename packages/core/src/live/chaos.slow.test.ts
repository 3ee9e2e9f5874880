import { describe, expect, it } from "vitest";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { CHAOS, LIVE_METHODS, simulateSmall, smallRun } from "../conformance/small-live-run.ts";

/** Seeds for each method. A seed that fails is in the message and fails again. */
const SEEDS = Number(process.env["CHAOS_SEEDS"] ?? 8);
const FIRST = Number(process.env["CHAOS_FIRST"] ?? 1);

describe("a live run over a network that fails", () => {
  for (const [name, algorithm] of Object.entries(LIVE_METHODS)) {
    it(`ends with the model of the simulation: ${name}`, { timeout: 1_800_000 }, async () => {
      const { config, prepared } = smallRun(algorithm);
      const { modelHash } = await simulateSmall(prepared);
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const federation = new SimulatedFederation(config, prepared, seed, CHAOS);
        const result = await federation.run().catch((error: unknown) => ({ modelHash: String(error) }));
        expect(result.modelHash, `seed ${seed}`).toBe(modelHash);
      }
    });
  }
});
