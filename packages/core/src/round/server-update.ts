import type { RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import { CLIP_NORM, UNCLIPPED } from "../privacy/mechanisms/index.ts";
import { applyServerStages } from "../protocol/index.ts";
import type { RoundFold } from "./aggregate.ts";
import { publicContext, withNextClipNorm } from "./private-round.ts";
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
export function updateServer(
  plan: RunPlan,
  server: ServerState,
  fold: RoundFold,
  finished: FinishedRound,
): ServerState {
  const make = (n: number): Vector =>
    plan.initial instanceof Float64Array ? new Float64Array(n) : new Float32Array(n);
  const { privacy } = plan.stages;
  const aggregate = applyServerStages(stagesOf(plan.stages), fold.result(make, plan.exchange), finished);
  if (privacy === undefined) return plan.algorithm.update(server, aggregate, contextOf(plan, fold, finished));
  const { [UNCLIPPED]: vote, ...released } = aggregate;
  const context = publicContext(plan, finished.round, finished.learningRate);
  const next = plan.algorithm.update(server, released, context);
  return withNextClipNorm(next, privacy, finished.scalars[CLIP_NORM]!, vote);
}

function contextOf(
  { population, layout }: RunPlan,
  fold: RoundFold,
  { round, learningRate }: FinishedRound,
): RoundContext {
  return {
    round,
    cohortSize: fold.clients,
    population,
    layout,
    learningRate,
    localSteps: fold.localSteps,
    weightedSteps: fold.weightedSteps,
  };
}
