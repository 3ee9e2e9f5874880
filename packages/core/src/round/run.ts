import { AnabranchError } from "@anabranch/engine";
import { distance, hashVector, isFiniteVector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { RoundFold } from "./aggregate.ts";
import { assignParts } from "./assign-parts.ts";
import type { CohortOutcome, Warning } from "./backend.ts";
import { Background } from "./background.ts";
import { decoded, decodingFault } from "./decode.ts";
import { defectOf } from "./defect.ts";
import { isReleased, isSpent, privacyDefect, publicScalars, spentAfter } from "./private-round.ts";
import type { RoundRecord, RunPlan, RunPorts, RunResult } from "./run-plan.ts";
import { type RunState, restoreRun, saveBest, saveCheckpoint } from "./run-state.ts";
import { type FinishedRound, updateServer } from "./server-update.ts";

/**
 * The round loop: plan, broadcast, cohort, aggregate, update, evaluate, commit. The same for simulation and live runs.
 * Continues from the newest checkpoint in `ports.checkpoints` when there is one, and then gives the same bits as a run
 * that was never cut off.
 */
export async function runFederation(plan: RunPlan, ports: RunPorts): Promise<RunResult> {
  const state = await restoreRun(plan, ports);
  const history: RoundRecord[] = [];
  await emitStarted(plan, ports, state);
  const fold = new RoundFold(plan.exchange);
  let stopped = endOf(plan, ports, state);
  while (stopped === undefined) {
    fold.reset();
    history.push(await runRound(plan, ports, state, fold));
    stopped = endOf(plan, ports, state);
  }
  if (state.savedRound !== state.round && stopped !== "diverged") await saveCheckpoint(plan, ports, state);
  await emitEnd(plan, ports, state, stopped);
  return {
    parameters: state.server.vectors.parameters,
    modelHash: hashVector(state.server.vectors.parameters),
    history,
    round: state.round,
    best: state.totals.best.round === 0 ? undefined : state.totals.best,
    stopped,
  };
}

/** Whether the run is over, and why; told from what a checkpoint holds, so that a resumed run ends where it would have. */
function endOf(plan: RunPlan, ports: RunPorts, { server, round, totals }: RunState): RunResult["stopped"] | undefined {
  if (!isFiniteVector(server.vectors.parameters)) return "diverged";
  const reached = plan.targetAccuracy !== undefined && (totals.last?.accuracy ?? 0) >= plan.targetAccuracy;
  if (reached || (plan.patience > 0 && totals.best.stale >= plan.patience)) return "early-stop";
  if (round >= plan.rounds) return "finished";
  if (isSpent(plan, round)) return "early-stop";
  return ports.signal?.aborted === true ? "interrupted" : undefined;
}

/** Client states on their way to the store: they are copied, so this bounds memory. */
const SAVES_AT_A_TIME = 8;

async function runRound(plan: RunPlan, ports: RunPorts, state: RunState, fold: RoundFold): Promise<RoundRecord> {
  const round = state.round + 1;
  const started = performance.now();
  const learningRate = plan.learningRate(round);
  const cohort = plan.sampler.sample(round, deriveKey(rootKey(plan.seed), "cohort", round));
  await ports.emit({ v: 1, type: "round.started", at: now(), round, cohort: [...cohort], learningRate });
  const scalars = publicScalars(plan, state.server, round, learningRate);
  const planned = { round, cohort, learningRate, scalars };
  const { bytesDown, bytesUp, foldMs } = await trainCohort(plan, ports, state, fold, planned);
  const trained = performance.now();
  const before = state.server.vectors.parameters;
  if (isReleased(plan, fold.clients)) state.server = updateServer(plan, state.server, fold, planned);
  else if (cohort.length > 0) await warnOfNoUpdates(plan, ports, round, fold.clients, cohort.length);
  state.round = round;
  const updated = performance.now();
  const { loss, lossMin, lossMax } = fold.summary();
  const record: RoundRecord = {
    round,
    loss: loss ?? Number.NaN,
    learningRate,
    clients: fold.clients,
    seconds: (updated - started) / 1000,
    bytesDown,
    bytesUp,
  };
  state.totals = {
    ...state.totals,
    bytesDown: state.totals.bytesDown + bytesDown,
    bytesUp: state.totals.bytesUp + bytesUp,
    seconds: state.totals.seconds + record.seconds,
  };
  await ports.emit({
    v: 1,
    type: "round.finished",
    at: now(),
    round,
    loss,
    clients: fold.clients,
    examples: fold.examples,
    steps: fold.steps,
    bytesDown,
    bytesUp,
    seconds: record.seconds,
    trainSeconds: (trained - started - foldMs) / 1000,
    aggregateSeconds: (updated - trained + foldMs) / 1000,
    clientsPerSecond: fold.clients / record.seconds,
    clientLossMin: lossMin,
    clientLossMax: lossMax,
    updateNorm: distance(state.server.vectors.parameters, before),
    ...(Object.keys(fold.drift).length > 0 ? { drift: fold.drift } : {}),
    ...spentAfter(plan, round),
  });
  // nothing is to continue from a model that is not finite: the last checkpoint stays the newest
  if (!isFiniteVector(state.server.vectors.parameters)) return record;
  await evaluateRound(plan, ports, state, record);
  if (round % plan.checkpointEvery === 0 || round === plan.rounds) await saveCheckpoint(plan, ports, state);
  return record;
}

/** Broadcasts, lets the backend run the cohort and folds its updates in cohort order. */
async function trainCohort(
  plan: RunPlan,
  ports: RunPorts,
  { server }: RunState,
  fold: RoundFold,
  { round, cohort, learningRate, scalars }: FinishedRound & { readonly cohort: readonly number[] },
): Promise<{ bytesDown: number; bytesUp: number; foldMs: number }> {
  const spent = { bytesDown: 0, bytesUp: 0, foldMs: 0 };
  const saving = new Background(SAVES_AT_A_TIME);
  const parts = assignParts(plan, round, cohort);
  await ports.backend.run(
    {
      broadcast: { round, vectors: plan.algorithm.broadcast(server), scalars },
      cohort,
      parts,
      learningRate,
      loadState: (client) => ports.clientStates.load(client),
    },
    async (outcomes) => {
      const finished: Finished[] = [];
      for (const outcome of outcomes) {
        spent.bytesDown += outcome.bytesDown;
        const assigned = parts?.get(outcome.client);
        const checked = "failure" in outcome ? outcome : acceptable(outcome, plan, assigned, scalars);
        if ("failure" in checked) await reportFailure(plan, ports, round, checked);
        else finished.push(checked);
      }
      const folding = performance.now();
      fold.addAll(finished.map(({ update }) => update));
      spent.foldMs += performance.now() - folding;
      for (const { client, state, bytesUp } of finished) {
        spent.bytesUp += bytesUp;
        if (Object.keys(state).length > 0) await saving.add(ports.clientStates.save(client, round, state));
      }
    },
  );
  await saving.finish();
  await warn(ports, ports.backend.takeWarnings?.());
  return spent;
}

type Finished = Extract<CohortOutcome, { update: unknown }>;

/** The outcome with its update decoded, or the failure that its defects amount to. */
function acceptable(
  outcome: Finished,
  plan: RunPlan,
  part: number | undefined,
  scalars: FinishedRound["scalars"],
): CohortOutcome {
  const failed = (failure: { code: string; message: string }): CohortOutcome => {
    const { client, bytesDown, retried } = outcome;
    return { client, failure, bytesDown, retried };
  };
  const defect = defectOf(outcome.update, plan, part) ?? privacyDefect(outcome.update, plan, scalars);
  if (defect !== undefined) return failed(defect);
  const update = decoded(outcome.update, plan.exchange);
  const fault = decodingFault(update, plan.exchange);
  return fault === undefined ? { ...outcome, update } : failed(fault);
}

async function reportFailure(
  plan: RunPlan,
  ports: RunPorts,
  round: number,
  { client, failure, retried }: Extract<CohortOutcome, { failure: unknown }>,
): Promise<void> {
  await ports.emit({ v: 1, type: "client.failed", at: now(), round, client, ...failure, retried });
  if (plan.onClientFailure === "continue") return;
  throw new AnabranchError({
    code: "round/client-failed",
    message: failure.message,
    where: `round ${round}, client ${client}`,
    advice: 'A run with stop.onClientFailure = "continue" leaves failed clients out and goes on.',
  });
}

async function warnOfNoUpdates(
  { stages: { privacy } }: RunPlan,
  ports: RunPorts,
  round: number,
  clients: number,
  cohort: number,
): Promise<void> {
  const [code, why] =
    clients === 0
      ? ["round/no-updates", `all ${cohort} clients of the cohort failed`]
      : [
          "round/too-few",
          `${clients} clients finished, fewer than privacy.minimumSurvivors = ${privacy!.minimumSurvivors}`,
        ];
  const message = `Round ${round}: ${why}, so the model is what it was.`;
  await warn(ports, [{ code, message }]);
}

async function evaluateRound(plan: RunPlan, ports: RunPorts, state: RunState, record: RoundRecord): Promise<void> {
  const { round } = record;
  const { parameters } = state.server.vectors;
  const last = round === plan.rounds;
  if (plan.evaluateEvery > 0 && (round % plan.evaluateEvery === 0 || last)) {
    const started = performance.now();
    const sums = await ports.evaluator.evaluate(parameters);
    record.testLoss = sums.loss / sums.examples;
    record.testAccuracy = sums.score / sums.examples;
    const seconds = (performance.now() - started) / 1000;
    const { examples } = sums;
    const loss = Number.isFinite(record.testLoss) ? record.testLoss : null;
    const accuracy = record.testAccuracy;
    await ports.emit({ v: 1, type: "evaluation", at: now(), round, split: "test", loss, accuracy, examples, seconds });
    const { best } = state.totals;
    const improved = best.round === 0 || accuracy > best.accuracy;
    const next = improved ? { round, accuracy, stale: 0 } : { ...best, stale: best.stale + 1 };
    state.totals = { ...state.totals, best: next, last: { loss, accuracy } };
    if (improved) await saveBest(plan, ports, state);
  }
  if (plan.evaluateClientsEvery > 0 && (round % plan.evaluateClientsEvery === 0 || last)) {
    await evaluateClients(ports, state, record);
  }
  await warn(ports, ports.backend.takeWarnings?.());
}

async function evaluateClients(ports: RunPorts, state: RunState, record: RoundRecord): Promise<void> {
  const sums = await ports.evaluator.evaluateClients(state.server.vectors.parameters);
  const withData = [...sums.keys()].filter((i) => sums[i]!.examples > 0);
  const accuracies = withData.map((i) => sums[i]!.score / sums[i]!.examples);
  if (accuracies.length === 0) return;
  const sorted = [...accuracies].sort((a, b) => a - b);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  record.clientMean = mean(accuracies);
  record.clientWorstDecile = mean(sorted.slice(0, Math.max(1, Math.floor(sorted.length / 10))));
  await ports.emit({
    v: 1,
    type: "client.evaluation",
    at: now(),
    round: record.round,
    mean: record.clientMean,
    worstDecile: record.clientWorstDecile,
    best: sorted.at(-1)!,
    accuracies,
    clients: withData,
  });
}

async function emitStarted(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  await ports.emit({
    v: 1,
    type: "run.started",
    at: now(),
    run: plan.id,
    name: plan.name,
    algorithm: plan.algorithm.name,
    parameters: plan.layout.size,
    clients: plan.population,
    rounds: plan.rounds,
    seed: plan.seed,
    ...plan.description,
    ...(plan.account === undefined ? {} : { privacyAssumptions: [...plan.account.assumptions] }),
    ...(state.round > 0 ? { resumedFrom: state.round } : {}),
  });
  await warn(ports, plan.warnings);
}

async function warn(ports: RunPorts, warnings: readonly Warning[] = []): Promise<void> {
  for (const warning of warnings) await ports.emit({ v: 1, type: "run.warning", at: now(), ...warning });
}

async function emitEnd(plan: RunPlan, ports: RunPorts, state: RunState, stopped: RunResult["stopped"]): Promise<void> {
  const { round, totals } = state;
  if (stopped === "interrupted" || stopped === "diverged") {
    const message =
      stopped === "interrupted"
        ? `stopped after round ${round}; resume continues from here`
        : `the global model is not finite after round ${round}; lower the learning rate`;
    await ports.emit({ v: 1, type: "run.stopped", at: now(), round, reason: stopped, message });
    return;
  }
  if (stopped === "early-stop") {
    const { best } = totals;
    const message = isSpent(plan, round)
      ? `stopped after round ${round}: another one would exceed privacy.targetEpsilon = ${plan.account!.targetEpsilon}`
      : `stopped early after round ${round}, best accuracy ${best.accuracy.toFixed(4)} in round ${best.round}`;
    await ports.emit({ v: 1, type: "run.stopped", at: now(), round, reason: stopped, message });
  }
  await ports.emit({
    v: 1,
    type: "run.finished",
    at: now(),
    rounds: round,
    seconds: totals.seconds,
    loss: totals.last?.loss ?? null,
    accuracy: totals.last?.accuracy ?? null,
    bestRound: totals.best.round,
    bestAccuracy: totals.best.round === 0 ? null : totals.best.accuracy,
    bytesDown: totals.bytesDown,
    bytesUp: totals.bytesUp,
    modelHash: hashVector(state.server.vectors.parameters),
    ...spentAfter(plan, round),
  });
}

/** Time stamps are for people; they enter no hash and no decision. */
function now(): string {
  return new Date().toISOString();
}
