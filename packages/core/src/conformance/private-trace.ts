import { interpreter } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import { HETEROGENEOUS } from "./heterogeneous.ts";

/** Parameters and aggregate of every round on quadratics; privacy as `changes` say. */
export async function privateTrace(algorithm: Algorithm, changes: Partial<Quadratics> = {}) {
  const rounds: number[][] = [];
  const aggregates: Record<string, number[]>[] = [];
  const watched: Algorithm = {
    ...algorithm,
    update(state, aggregate, context) {
      aggregates.push(Object.fromEntries(Object.entries(aggregate).map(([name, v]) => [name, Array.from(v)])));
      const next = algorithm.update(state, aggregate, context);
      rounds.push(Array.from(next.vectors.parameters));
      return next;
    },
  };
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(watched, { ...HETEROGENEOUS, ...changes }, executor);
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
  return { rounds, aggregates };
}
