import { describe, expect, it } from "vitest";
import { HEALTHY, SimulatedFederation } from "../conformance/simulated-federation.ts";
import { CHAOS, secureRun, simulateSmall, simulateSurvivors } from "../conformance/small-live-run.ts";

describe("a live run with secure aggregation", () => {
  it.each([
    "bonawitz",
    "secagg+",
    "lightsecagg",
  ] as const)("ends with the model of the simulation: %s", async (protocol) => {
    const { config, prepared, live } = secureRun(protocol);
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    const result = await federation.run();
    expect(result.stopped).toBe("finished");
    expect([...federation.survivors.values()].map(({ length }) => length)).toEqual([4, 4]);
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });

  it("continues without a client that dies with its integers, and sums the others", async () => {
    const { config, prepared, live } = secureRun("bonawitz");
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    let killed = false;
    federation.crashNow = (client, report) => {
      if (killed || client !== 2 || report.type !== "answered" || report.stage !== "share") return false;
      killed = true;
      return true;
    };
    const { modelHash } = await federation.run();
    expect(federation.survivors).toEqual(
      new Map([
        [1, [0, 1, 3]],
        [2, [0, 1, 2, 3]],
      ]),
    );
    expect(modelHash).toBe((await simulateSurvivors(prepared, federation.survivors)).modelHash);
  });

  it("sums what it says, whatever crashes, breaks and comes twice", async () => {
    const { config, prepared, live } = secureRun("bonawitz");
    const crashes = { server: 0, client: 0 };
    for (let seed = 1; seed <= 4; seed++) {
      const federation = new SimulatedFederation(config, live, seed, CHAOS);
      const { modelHash } = await federation.run();
      expect(modelHash, `seed ${seed}`).toBe((await simulateSurvivors(prepared, federation.survivors)).modelHash);
      crashes.server += federation.crashes.server;
      crashes.client += federation.crashes.client;
    }
    for (const [who, count] of Object.entries(crashes)) expect(count, who).toBeGreaterThan(0);
  });
});
