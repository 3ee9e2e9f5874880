import { describe, expect, it } from "vitest";
import { CHAOS, HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall, smallRun } from "../conformance/small-live-run.ts";
import type { ServerMessage } from "./control.ts";

type Task = Extract<ServerMessage, { type: "task" }>;

const METHODS = [
  ["onebyte", { name: "onebyte" }],
  ["onebyte with floats", { name: "onebyte", quantize: false }],
  ["ferret", { name: "ferret", coordinates: 4 }],
] as const;
const MORE = { rounds: 7, model: { name: "mlp", hidden: [30, 20] }, sampler: { cohort: 2 } } as const;

/** Runs it, and collects the tasks that clients were given. */
async function run(federation: SimulatedFederation) {
  const tasks: Task[] = [];
  const { told } = federation.network;
  federation.network.told = (client, message) => {
    if (message.type === "task") tasks.push(message);
    told(client, message);
  };
  return { tasks, result: await federation.run() };
}

describe.each(METHODS)("clients that rebuild the model of %s", (_name, algorithm) => {
  const { config, prepared, live } = smallRun(algorithm, MORE);

  it("are sent what they lack, and no byte more than in the simulation", async () => {
    const { tasks, result } = await run(new SimulatedFederation(config, live, 1, HEALTHY));
    const simulated = await simulateSmall(prepared);
    expect(result.modelHash).toBe(simulated.modelHash);
    const bytes = ({ history }: typeof result) => history.map(({ bytesDown }) => bytesDown);
    expect(bytes(result)).toEqual(bytes(simulated));
    // some join late, some were there in the round before, some were away
    const missed = tasks.map(({ version, stateOf }) => version - (stateOf ?? Number.NaN));
    expect(tasks.some(({ version, stateOf }) => version > 1 && stateOf === undefined)).toBe(true);
    expect(missed).toContain(1);
    expect(missed.some((rounds) => rounds > 1)).toBe(true);
    const model = live.plan.layout.size * 8;
    for (const { stateOf, bytes } of tasks) expect(bytes < model, `state of ${stateOf}`).toBe(stateOf !== undefined);
  });

  it("have the same one after the server and they themselves were killed and came back", async () => {
    const { modelHash } = await simulateSmall(prepared);
    const crashes = { server: 0, client: 0 };
    for (let seed = 1; seed <= 6; seed++) {
      const federation = new SimulatedFederation(config, live, seed, CHAOS);
      expect((await federation.run()).modelHash, `seed ${seed}`).toBe(modelHash);
      crashes.server += federation.crashes.server;
      crashes.client += federation.crashes.client;
    }
    expect(crashes.server).toBeGreaterThan(0);
    expect(crashes.client).toBeGreaterThan(0);
  });
});
