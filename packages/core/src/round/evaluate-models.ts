import { consensusDistance, modelsOf } from "../gossip/index.ts";
import type { RunState } from "./checkpoint-store.ts";
import { now } from "./narrate.ts";
import type { RoundRecord, RunPlan, RunPorts } from "./run-plan.ts";

/** Judges the models of single clients on the test set, one after the other, and how far they are apart. */
export async function evaluateModels(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  record: RoundRecord,
): Promise<void> {
  const models = plan.algorithm.models?.(state.server) ?? [];
  if (models.length === 0) return;
  const accuracies: number[] = [];
  for (const model of models) {
    const { score, examples } = await ports.evaluator.evaluate(model);
    accuracies.push(score / examples);
  }
  const worst = Math.min(...accuracies);
  const mean = accuracies.reduce((a, b) => a + b, 0) / accuracies.length;
  const measured = { mean, worst, best: Math.max(...accuracies), accuracies };
  const { round } = record;
  const about = {
    v: 1,
    type: "node.evaluation",
    at: now(),
    round,
    consensus: consensusDistance(modelsOf(models)),
  } as const;
  // models that predict numbers have no accuracy
  const none = { mean: null, worst: null, best: null, accuracies: [] };
  if (plan.regression === undefined) record.nodeWorst = worst;
  await ports.emit({ ...about, ...(plan.regression === undefined ? measured : none) });
}
