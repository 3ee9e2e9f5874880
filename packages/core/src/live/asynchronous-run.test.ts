import { describe, expect, it } from "vitest";
import { CHAOS, HEALTHY } from "../conformance/fault-source.ts";
import { replayed } from "../conformance/replayed-run.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall, smallRun } from "../conformance/small-live-run.ts";

const SCHEDULE = { buffer: 2, concurrency: 3 };
const small = (name: string) => smallRun({ name }, { rounds: 6, schedule: SCHEDULE });

/** The updates of each round. */
function committed({ log }: SimulatedFederation): [number, number, number][][] {
  return log.events.flatMap((event) => (event.type === "round.finished" ? [event.updates!] : []));
}

const idOf = ([client, version, visit]: [number, number, number]) => `${version}/${client}/${visit}`;

describe("an asynchronous live run", () => {
  it.each(["fedbuff", "fedasync"])("ends with the model of a replay of its acceptances: %s", async (name) => {
    const { config, prepared } = small(name);
    for (let seed = 1; seed <= 4; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, { ...HEALTHY, delay: 500 });
      const { modelHash, stopped } = await federation.run();
      expect(stopped).toBe("finished");
      const rounds = committed(federation);
      expect(rounds.map(({ length }) => length)).toEqual(Array(6).fill(2));
      expect(rounds.flat().map(idOf)).toEqual(federation.observer.accepted.slice(0, 12));
      expect((await simulateSmall(replayed(prepared, rounds))).modelHash).toBe(modelHash);
    }
  });

  it("loses no accepted update and counts none twice, whatever crashes", async () => {
    const { config, prepared } = small("fedbuff");
    let [crashes, stale] = [0, 0];
    for (let seed = 1; seed <= 10; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, { ...CHAOS, crashServer: 0.03 });
      const { modelHash } = await federation.run();
      const rounds = committed(federation);
      const { accepted, violations } = federation.observer;
      expect(violations, `seed ${seed}`).toEqual([]);
      // every accepted update is in the model, in the order of acceptance; the last ones came too late
      const updates = rounds.flat();
      expect(updates.map(idOf), `seed ${seed}`).toEqual(accepted.slice(0, updates.length));
      expect(accepted.length - updates.length).toBeLessThanOrEqual(SCHEDULE.concurrency);
      expect((await simulateSmall(replayed(prepared, rounds))).modelHash, `seed ${seed}`).toBe(modelHash);
      crashes += federation.crashes.server;
      stale += rounds.flatMap((some, r) => some.filter(([, version]) => version < r + 1)).length;
    }
    expect(crashes).toBeGreaterThan(10);
    expect(stale).toBeGreaterThan(10);
  });

  it("keeps no model once it is over", async () => {
    const { config, prepared } = small("fedbuff");
    const federation = new SimulatedFederation(config, prepared, 1, HEALTHY);
    await federation.run();
    // two clients still train when the last round ends; the other orders that are kept have an update
    const { orders, blobs } = await federation.kept();
    expect(blobs).toBe(orders - (SCHEDULE.concurrency - 1));
  });

  it("takes an update once that comes twice, with a slow ledger between", async () => {
    const { config, prepared } = small("fedbuff");
    for (let seed = 1; seed <= 10; seed++) {
      const faults = { ...HEALTHY, delay: 40, concurrent: 0.5, stall: 0.2 };
      const federation = new SimulatedFederation(config, prepared, seed, faults);
      const { modelHash } = await federation.run();
      expect(federation.observer.violations, `seed ${seed}`).toEqual([]);
      expect((await simulateSmall(replayed(prepared, committed(federation)))).modelHash, `seed ${seed}`).toBe(
        modelHash,
      );
    }
  });

  it("drops a client that never answers, and gives another one work", async () => {
    const { config, prepared } = small("fedbuff");
    const federation = new SimulatedFederation(config, prepared, 1, HEALTHY);
    let away: number | undefined;
    federation.crashNow = (client, report) => {
      if (report.type !== "progress" || away !== undefined) return false;
      away = client;
      federation.network.partition(client, ["up", "down"], 1e9);
      return false;
    };
    const { modelHash, stopped } = await federation.run();
    expect(stopped).toBe("finished");
    const rounds = committed(federation);
    expect(rounds.flat().some(([client]) => client === away)).toBe(false);
    expect(rounds.flat()).toHaveLength(12);
    expect((await simulateSmall(replayed(prepared, rounds))).modelHash).toBe(modelHash);
  });
});
