import type { Executor } from "@anabranch/engine";
import { type DataSpec, evaluationRanges, openDataSource } from "../client/data-source.ts";
import { describeFailure } from "../client/describe-failure.ts";
import { evaluateRange } from "../client/evaluate.ts";
import { openTasks } from "../client/open-tasks.ts";
import { type ClientTask, runClient } from "../client/run-client.ts";
import type { Vector } from "../params/vector.ts";
import { hasVersionBefore } from "../pipeline/index.ts";
import { type Broadcast, encodedSize } from "../protocol/message.ts";
import type { Backend, EvaluationSums, Evaluator, Order, Outcome } from "../round/backend.ts";
import { addSums, testSums } from "../round/evaluation-sums.ts";
import { sentBytes } from "../round/sent-bytes.ts";
import type { SimulationSpec } from "./simulation-spec.ts";

/**
 * Runs every client one after the other on this thread. The reference for every other backend.
 *
 * @example
 * ```ts
 * import { fedavg, inProcessSimulation, prepareQuadratics } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
 * const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
 * const { evaluator, close } = await inProcessSimulation(simulation, interpreter());
 * (await evaluator.evaluate(plan.initial)).loss; // => 2
 * await close();
 * ```
 */
export async function inProcessSimulation(
  simulation: SimulationSpec,
  executor: Executor,
): Promise<{ backend: Backend; evaluator: Evaluator; close(): Promise<void> }> {
  const tasks = await openTasks(executor, simulation.task);
  const evaluation = await executor.load(simulation.evaluation.program);
  const train = openDataSource(simulation.train);
  const evaluateAll = async (parameters: Vector, spec: DataSpec, only?: number): Promise<EvaluationSums[]> => {
    const source = openDataSource(spec);
    const sums: EvaluationSums[] = [];
    for (const range of evaluationRanges(spec, simulation.evaluation.batchSize, only)) {
      sums.push(...(await evaluateRange(simulation.evaluation, evaluation, parameters, source, range)));
    }
    return sums;
  };
  return {
    backend: inProcessBackend((order) => {
      const { spec, executable } = tasks.of(order.part);
      return runClient(spec, executable, { ...order, data: train.load(order.client, order.broadcast.round) });
    }),
    evaluator: {
      async evaluate(parameters) {
        return testSums(simulation.test, await evaluateAll(parameters, simulation.test));
      },
      async evaluateClients(parameters, only) {
        return simulation.holdout === undefined ? [] : evaluateAll(parameters, simulation.holdout, only);
      },
      async evaluateAttack(parameters) {
        const { attackTest } = simulation;
        return attackTest === undefined ? undefined : addSums(await evaluateAll(parameters, attackTest));
      },
    },
    async close() {
      await tasks.release();
      await evaluation.release();
    },
  };
}

/** A message and its encoded bytes. */
interface Sized {
  readonly broadcast: Broadcast;
  readonly bytes: number;
}

function sized(broadcast: Broadcast): Sized {
  return { broadcast, bytes: encodedSize(broadcast) };
}

/** Work is done when its outcome is asked for. */
function inProcessBackend(train: (task: Omit<ClientTask, "data">) => ReturnType<typeof runClient>): Backend {
  const versions = new Map<number, { readonly whole: Sized; readonly change: Sized | undefined }>();
  const orders = new Map<string, Order>();
  return {
    name: "in-process",
    group: 1,
    publish(version, broadcast, change) {
      versions.set(version, { whole: sized(broadcast), change: change && sized(change) });
    },
    retire: (version) => void versions.delete(version),
    submit: (order) => void orders.set(order.id, order),
    async outcome(id): Promise<Outcome> {
      const { client, version, loadState, ...order } = orders.get(id)!;
      const { whole, change } = versions.get(version)!;
      const state = await loadState(); // a store that fails is no failure of the client
      const { broadcast, bytes } = change !== undefined && hasVersionBefore(version, state) ? change : whole;
      const bytesDown = sentBytes(order, broadcast, bytes, state);
      try {
        const { update, state: next, ...measured } = await train({ ...order, client, broadcast, state });
        const bytesUp = encodedSize(update);
        return { client, update, state: next, bytesDown, bytesUp, retried: false, measured };
      } catch (error) {
        return { client, failure: describeFailure(error), bytesDown, retried: false };
      }
    },
    release(id) {
      orders.delete(id);
      return undefined;
    },
  };
}
