import type { RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import { CLIP_NORM, UNCLIPPED } from "../privacy/mechanisms/index.ts";
import { applyServerStages } from "../protocol/index.ts";
import { publicContext, withNextClipNorm } from "./private-round.ts";
import type { RoundSum } from "./round-sum.ts";
import type { RunPlan } from "./run-plan.ts";
import { stagesOf } from "./stages.ts";

/** A finished round as the server half sees it. */
export interface FinishedRound {
  readonly round: number;
  readonly learningRate: number;
  /** The public scalars that went down. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The server's state after a round: aggregate, server halves of the stages, server half of the method. */
export function updateServer(plan: RunPlan, server: ServerState, sum: RoundSum, finished: FinishedRound): ServerState {
  const make = (n: number): Vector =>
    plan.initial instanceof Float64Array ? new Float64Array(n) : new Float32Array(n);
  const { privacy } = plan.stages;
  const aggregate = applyServerStages(stagesOf(plan.stages), sum.result(make), finished);
  if (privacy === undefined) return plan.algorithm.update(server, aggregate, contextOf(plan, sum, finished));
  const { [UNCLIPPED]: vote, ...released } = aggregate;
  const context = publicContext(plan, privacy.denominator, finished);
  const next = plan.algorithm.update(server, released, context);
  return withNextClipNorm(next, privacy, finished.scalars[CLIP_NORM]!, vote);
}

function contextOf(plan: RunPlan, { figures, cost }: RoundSum, finished: FinishedRound): RoundContext {
  if (cost !== undefined) return publicContext(plan, cost.survivors, finished);
  const { clients, localSteps, weightedSteps } = figures;
  const { population, layout } = plan;
  const { round, learningRate } = finished;
  return { round, cohortSize: clients, population, layout, learningRate, localSteps, weightedSteps };
}
