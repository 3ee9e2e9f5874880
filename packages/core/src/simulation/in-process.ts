import { AnabranchError, type Executor, loadProgram } from "@anabranch/engine";
import { type DataSpec, evaluationRanges, openDataSource } from "../client/data-source.ts";
import { addSums, evaluateRange } from "../client/evaluate.ts";
import { runClient } from "../client/run-client.ts";
import type { Vector } from "../params/vector.ts";
import { encodedSize } from "../protocol/message.ts";
import type { Backend, CohortOutcome, EvaluationSums, Evaluator } from "../round/backend.ts";
import type { SimulationPlan } from "./plan.ts";

/** Runs every client one after the other on this thread. The reference for every other backend. */
export async function inProcessSimulation(
  plan: SimulationPlan,
  executor: Executor,
): Promise<{ backend: Backend; evaluator: Evaluator; close(): Promise<void> }> {
  const task = await loadProgram(executor, plan.task.program);
  const evaluation = await executor.load(plan.evaluation.program);
  const train = openDataSource(plan.train);
  const evaluateAll = async (parameters: Vector, spec: DataSpec): Promise<EvaluationSums[]> => {
    const source = openDataSource(spec);
    const sums: EvaluationSums[] = [];
    for (const range of evaluationRanges(spec, plan.evaluation.batchSize)) {
      const own = await evaluateRange(plan.evaluation, evaluation, parameters, source, range);
      for (const one of own) sums.push(one);
    }
    return sums;
  };
  return {
    backend: {
      name: "in-process",
      async run(request, accept) {
        const bytesDown = encodedSize(request.broadcast);
        for (const client of request.cohort) {
          let outcome: CohortOutcome;
          try {
            const { update, state } = await runClient(plan.task, task, {
              client,
              learningRate: request.learningRate,
              part: request.parts?.get(client),
              broadcast: request.broadcast,
              state: await request.loadState(client),
              data: train.load(client),
            });
            outcome = { client, update, state, bytesDown, bytesUp: encodedSize(update), retried: false };
          } catch (error) {
            outcome = { client, failure: describeFailure(error), bytesDown, retried: false };
          }
          await accept([outcome]);
        }
      },
    },
    evaluator: {
      async evaluate(parameters) {
        return addSums(await evaluateAll(parameters, plan.test));
      },
      async evaluateClients(parameters) {
        return plan.holdout === undefined ? [] : evaluateAll(parameters, plan.holdout);
      },
    },
    async close() {
      await task.release();
      await evaluation.release();
    },
  };
}

/** A failure as data; an error without a code of ours is a fault of the program and keeps its text. */
export function describeFailure(error: unknown): { code: string; message: string } {
  if (error instanceof AnabranchError) return { code: error.code, message: error.message };
  return { code: "client/failed", message: error instanceof Error ? error.message : String(error) };
}
