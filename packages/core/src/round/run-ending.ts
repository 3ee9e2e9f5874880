import type { ServerState } from "../algorithms/algorithm.ts";
import { hashVector, isFiniteVector } from "../params/vector.ts";
import type { BlobStore } from "./blob-store.ts";
import { budgetExhausted, spentAfter } from "./budget.ts";
import { type RunState, resumePoint } from "./checkpoint-store.ts";
import { failsForTrouble, stopsForTrouble } from "./divergence.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";
import { servedModel } from "./served-model.ts";
import type { FailedEnd } from "./trouble.ts";

/** How a run has ended, and why where it failed. */
export type Ending =
  | { readonly stopped: "finished" | "interrupted" | "early-stop" }
  | { readonly stopped: FailedEnd; readonly message: string };

/** Whether the run is over, and why; told from what a checkpoint holds, so that a resumed run ends where it would have. */
export function endingOf(
  plan: RunPlan,
  ports: Pick<RunPorts, "signal">,
  state: Pick<RunState, "server" | "round" | "totals">,
): Ending | undefined {
  const { server, round, totals } = state;
  const { trouble, best, last } = totals;
  if (!isFiniteVector(server.vectors.parameters)) return failedEnding(trouble ?? NOT_FINITE);
  if (stopsForTrouble(trouble)) return failedEnding(trouble);
  if (plan.targetAccuracy !== undefined && (last?.accuracy ?? 0) >= plan.targetAccuracy)
    return { stopped: "early-stop" };
  const early =
    (plan.patience > 0 && best.stale >= plan.patience) || (round < plan.rounds && budgetExhausted(plan, round));
  if (early || round >= plan.rounds) {
    if (failsForTrouble(trouble, round)) return failedEnding(trouble);
    return { stopped: early ? "early-stop" : "finished" };
  }
  return ports.signal?.aborted === true ? { stopped: "interrupted" } : undefined;
}

/**
 * Whether a run has nothing left to train, by its newest checkpoint. Throws as `resumePoint`.
 *
 * @example
 * ```ts
 * import { fedavg, hasEnded, inProcessSimulation, memoryBlobStore, memoryClientStates } from "@anabranch/core";
 * import { prepareQuadratics, runFederation } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
 * const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
 * const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
 * const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
 * await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
 * await hasEnded(plan, stores.checkpoints); // => true
 * ```
 */
export async function hasEnded(plan: RunPlan, checkpoints: BlobStore): Promise<boolean> {
  const found = await resumePoint(plan, checkpoints);
  if (found === undefined) return false;
  const { serverState, round, totals } = found.checkpoint;
  return endingOf(plan, {}, { server: serverState as ServerState, round, totals }) !== undefined;
}

const NOT_FINITE = { reason: "diverged", message: "The initial weights are not finite. Start from others." } as const;

function failedEnding({ reason, message }: { readonly reason: FailedEnd; readonly message: string }): Ending {
  return { stopped: reason, message };
}

/** Announces the end: `run.stopped` where it came before its time, `run.finished` where there is a result. */
export async function emitEnding(plan: RunPlan, ports: RunPorts, state: RunState, ending: Ending): Promise<void> {
  const { round, totals } = state;
  const at = new Date().toISOString();
  const { stopped } = ending;
  if (stopped !== "finished") {
    const message = "message" in ending ? ending.message : earlyMessage(plan, state, stopped === "interrupted");
    await ports.emit({ v: 1, type: "run.stopped", at, round, reason: stopped, message });
  }
  if (stopped !== "finished" && stopped !== "early-stop") return;
  await ports.emit({
    v: 1,
    type: "run.finished",
    at,
    rounds: round,
    seconds: totals.seconds,
    loss: totals.last?.loss ?? null,
    accuracy: totals.last?.accuracy ?? null,
    bestRound: totals.best.round,
    bestAccuracy: totals.best.round === 0 || plan.regression !== undefined ? null : totals.best.score,
    bytesDown: totals.bytesDown,
    bytesUp: totals.bytesUp,
    modelHash: hashVector(servedModel(plan, state.server.vectors.parameters)),
    ...spentAfter(plan, round),
  });
}

function bestText({ regression }: RunPlan, score: number): string {
  return regression === undefined ? `accuracy ${score.toFixed(4)}` : `test loss ${(-score).toPrecision(4)}`;
}

function earlyMessage(plan: RunPlan, { round, totals: { best } }: RunState, interrupted: boolean): string {
  if (interrupted) return `stopped after round ${round}; resume continues from here`;
  return budgetExhausted(plan, round)
    ? `stopped after round ${round}: another one would exceed privacy.targetEpsilon = ${plan.account!.targetEpsilon}`
    : `stopped early after round ${round}, best ${bestText(plan, best.score)} in round ${best.round}`;
}
