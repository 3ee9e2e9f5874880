import { interpreter } from "@anabranch/engine";
import type { ConfigInput } from "../../config/index.ts";
import type { Vector } from "../../params/vector.ts";
import { type BlobStore, memoryBlobStore } from "../../round/blob-store.ts";
import type { ClientStateStore, ClientVectors } from "../../round/client-state.ts";
import type { RunEvent } from "../../round/events.ts";
import { memoryClientStates } from "../../round/memory-client-states.ts";
import { runFederation } from "../../round/run.ts";
import { inProcessSimulation } from "../../simulation/in-process.ts";
import { smallSimulation } from "../small-live-run.ts";

export type Method = ConfigInput["algorithm"];

/** Four clients, all of them in every round; every local step has all 12 examples of a client. */
export const whole: ConfigInput = {
  rounds: 1,
  model: { name: "mlp", hidden: [3] },
  data: { clients: 4, partition: { scheme: "iid" }, publicExamples: 5 },
  sampler: { cohort: 4 },
  training: { batchSize: 12, localSteps: 2, learningRate: 0.3 },
};

/** A run, every message of it, and what its clients keep at its end. */
export async function observe(
  algorithm: Method,
  more: ConfigInput = {},
  stores: { checkpoints?: BlobStore; clientStates?: ClientStateStore; rounds?: number } = {},
) {
  const { prepared } = smallSimulation(algorithm, { ...whole, ...more });
  const { plan, simulation } = prepared;
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const { clientStates = memoryClientStates(), checkpoints = memoryBlobStore(), rounds = plan.rounds } = stores;
  const messages: Record<string, Vector>[] = [];
  const updates = new Map<number, Readonly<Record<string, Vector>>>();
  const events: RunEvent[] = [];
  const spied: typeof backend = {
    ...backend,
    publish(version, broadcast, change) {
      messages.push(broadcast.vectors);
      return backend.publish(version, broadcast, change);
    },
    submit(order) {
      messages.push(order.own ?? {});
      backend.submit(order);
    },
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("failure" in outcome) throw new Error(outcome.failure.message);
      const sent = Object.fromEntries(Object.entries(outcome.update.vectors).map(([name, v]) => [name, v.slice()]));
      messages.push(sent);
      updates.set(outcome.client, sent);
      return outcome;
    },
  };
  const ports = {
    backend: spied,
    evaluator,
    checkpoints,
    clientStates,
    emit: (event: RunEvent) => void events.push(event),
  };
  const result = await runFederation({ ...plan, rounds }, ports);
  const states: ClientVectors[] = [];
  for (let client = 0; client < 4; client++) states.push((await clientStates.load(client)) ?? {});
  return { prepared, plan, simulation, result, messages, updates, states, events };
}
