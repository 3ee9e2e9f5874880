import { expect, it } from "vitest";
import { killedAndResumed, undisturbed } from "./crash.ts";

it.each(["fedavg", "scaffold", "fedbuff"])("%s gives the same bits after kill -9 at every event", async (algorithm) => {
  const { hash, events } = await undisturbed(algorithm, 0);
  expect(events).toBeGreaterThan(10);
  for (let event = 1; event < events; event++) {
    const resumed = await killedAndResumed(algorithm, event);
    expect({ event, ...resumed }).toEqual({ event, hash, rounds: [1, 2, 3] });
  }
});
