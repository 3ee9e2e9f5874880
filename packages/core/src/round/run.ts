import { hashVector, isFiniteVector } from "../params/vector.ts";
import { SCRATCH, serverPipeline } from "../pipeline/index.ts";
import type { BlobStore } from "./blob-store.ts";
import type { RunTotals } from "./checkpoint.ts";
import { restoreRun, saveCheckpoint } from "./checkpoint-store.ts";
import { announceStart } from "./narrate.ts";
import { resumeWork } from "./resume-work.ts";
import { runRound } from "./round.ts";
import { emitEnding, endingOf } from "./run-ending.ts";
import type { RoundRecord, RunPlan, RunPorts, RunResult } from "./run-plan.ts";
import { servedModel } from "./served-model.ts";
import { abandonWork } from "./work.ts";

/**
 * The round loop, the same for simulation and live runs: round after round until the run is over. Continues from the newest
 * checkpoint in `ports.checkpoints` when there is one, and then gives the same bits as a run that was never cut off.
 *
 * @example
 * ```ts
 * import { inProcessSimulation, memoryBlobStore, memoryClientStates, prepareQuadratics } from "@anabranch/core";
 * import { fedavg, runFederation } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
 * const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
 * const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
 * const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
 * const { parameters, stopped } = await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
 * parameters; // => [1.5]
 * stopped; // => "finished"
 * ```
 */
export async function runFederation(plan: RunPlan, ports: RunPorts): Promise<RunResult> {
  const { state, outstanding } = await restoreRun(plan, ports);
  await deleteScratch(ports.checkpoints);
  const history: RoundRecord[] = [];
  await announceStart(plan, ports, state);
  const pipeline = serverPipeline(plan, { protocol: ports.secureAggregation, scratch: ports.checkpoints });
  let ending = endingOf(plan, ports, state);
  if (ending === undefined) await resumeWork({ plan, ports, state, pipeline }, outstanding);
  while (ending === undefined) {
    history.push(await runRound({ plan, ports, state, pipeline }));
    ending = endingOf(plan, ports, state);
  }
  const { parameters } = state.server.vectors;
  if (state.savedRound !== state.round && isFiniteVector(parameters)) await saveCheckpoint(plan, ports, state);
  // clients that still train need not go on; a run that is to continue takes up their work
  if (ending.stopped !== "interrupted" && ports.backend.arrivals !== undefined)
    await abandonWork(ports.backend, state.work, "all");
  await emitEnding(plan, ports, state, ending);
  const served = servedModel(plan, parameters);
  return {
    parameters: served,
    modelHash: hashVector(served),
    history,
    round: state.round,
    best: bestOf(plan, state.totals.best),
    stopped: ending.stopped,
    ...("message" in ending ? { reason: ending.message } : {}),
  };
}

/** What a round that was cut off has left of updates that did not fit in memory. */
async function deleteScratch(blobs: BlobStore): Promise<void> {
  for (const name of await blobs.list(SCRATCH)) await blobs.delete(name);
}

/** Numbers that a model predicts have no accuracy. */
function bestOf({ regression }: RunPlan, { round, score, stale }: RunTotals["best"]) {
  return round === 0 ? undefined : { round, accuracy: regression === undefined ? score : null, stale };
}
