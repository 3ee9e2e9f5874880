import { describe, expect, it } from "vitest";
import { HEALTHY, SimulatedFederation } from "../conformance/simulated-federation.ts";
import {
  CHAOS,
  crashServerAt,
  LIVE_METHODS,
  secureRun,
  simulateSmall,
  simulateSurvivors,
  smallRun,
} from "../conformance/small-live-run.ts";

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

describe("a live run with secure aggregation over a network that fails", () => {
  const protocols = ["bonawitz", "secagg+", "lightsecagg"] as const;

  it.each(protocols)("ends with the model of the sums that it has: %s", { timeout: 1_800_000 }, async (protocol) => {
    const { config, prepared, live } = secureRun(protocol, { rounds: 3 });
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const federation = new SimulatedFederation(config, live, seed, CHAOS);
      const result = await federation.run().catch((error: unknown) => ({ modelHash: String(error) }));
      expect(federation.unmasked, `seed ${seed}: one sum per round`).toEqual([...new Set(federation.unmasked)]);
      const { modelHash } = await simulateSurvivors(prepared, federation.survivors);
      expect(result.modelHash, `seed ${seed}`).toBe(modelHash);
    }
  });

  const moments = protocols.flatMap((protocol) =>
    ["advertise", "share", "mask", "consistency"].map((stage) => ({ protocol, stage })),
  );
  it.each(moments)("repeats a round whose server dies: $protocol, $stage", async ({ protocol, stage }) => {
    const { config, prepared, live } = secureRun(protocol, { rounds: 1 });
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    crashServerAt(federation, stage);
    const { modelHash } = await federation.run();
    expect(federation.crashes.server).toBe(1);
    expect(modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });
});
