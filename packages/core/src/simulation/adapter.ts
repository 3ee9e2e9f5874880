import { type Executor, loadProgram } from "@anabranch/engine";
import { fedavg } from "../algorithms/fedavg.ts";
import { openDataSource } from "../client/data-source.ts";
import { runClient } from "../client/run-client.ts";
import { taskSpec } from "../client/task-spec.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Adapter } from "../round/adapter.ts";
import type { PreparedRun } from "./prepare.ts";

/** An adapter that holds a program. */
export interface OpenAdapter extends Adapter {
  close(): Promise<void>;
}

/**
 * Opens what adapts the global model to simulated clients, on this thread: local SGD from it, as FedAvg's clients do.
 * Undefined where the run does not ask for it.
 *
 * @example
 * ```ts
 * import { openAdapter } from "@anabranch/core";
 * typeof openAdapter; // => "function"
 * ```
 */
export async function openAdapter(
  { plan, simulation, model, training }: PreparedRun,
  executor: Executor,
): Promise<OpenAdapter | undefined> {
  const { adaptation, layout, held, float, seed } = plan;
  if (adaptation === undefined) return undefined;
  const algorithm = fedavg();
  const payloads = algorithm.payloads(layout);
  const stages = { weighting: "uniform", clipNorm: 0 } as const;
  const { budget } = adaptation;
  const plain = { ...training, curriculum: undefined, upSampling: undefined, statistics: undefined };
  const parts = { algorithm, model, layout, held, payloads, float, training: plain, budget, stages };
  const { task } = taskSpec(parts);
  const executable = await loadProgram(executor, task.program);
  const source = openDataSource(simulation.train);
  return {
    async adapt(client, round, parameters) {
      const key = deriveKey(rootKey(seed), "adaptation", round, client);
      const { update } = await runClient(task, executable, {
        client,
        learningRate: adaptation.learningRate ?? plan.learningRate(round),
        keys: { batches: key, dropout: deriveKey(key, "dropout"), draws: key },
        broadcast: { round, vectors: { parameters }, scalars: {} },
        state: undefined,
        data: source.load(client),
      });
      const delta = update.vectors["delta"]!;
      return parameters.map((value, i) => value + delta[i]!) as Vector;
    },
    close: () => executable.release(),
  };
}
