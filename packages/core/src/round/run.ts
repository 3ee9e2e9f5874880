import { AnabranchError, type Failure } from "@anabranch/engine";
import { distance, hashVector, isFiniteVector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { VERSION } from "../version.ts";
import { RoundFold } from "./aggregate.ts";
import { assignParts } from "./assign-parts.ts";
import type { CohortOutcome, Warning } from "./backend.ts";
import { Background } from "./background.ts";
import { decoded, decodingFault } from "./decode.ts";
import { defectOf } from "./defect.ts";
import { isSpent, privacyDefect, publicScalars, spentAfter, unreleased } from "./private-round.ts";
import type { RoundSum } from "./round-sum.ts";
import type { RoundRecord, RunPlan, RunPorts, RunResult } from "./run-plan.ts";
import { type RunState, restoreRun, saveBest, saveCheckpoint } from "./run-state.ts";
import { cutWarnings, integerDefect, runBytes, secureCost, withSecureBytes } from "./secure-accounts.ts";
import { SecureRound } from "./secure-round.ts";
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
  const sum = roundSum(plan, ports);
  let stopped = endOf(plan, ports, state);
  while (stopped === undefined) {
    history.push(await runRound(plan, ports, state, sum));
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

function roundSum({ exchange, stages: { secureSum }, seed }: RunPlan, { summation }: RunPorts): RoundSum {
  if (secureSum === undefined) return new RoundFold(exchange);
  if (summation !== undefined) return new SecureRound(secureSum, summation, runBytes(seed));
  throw new AnabranchError({
    code: "round/no-summation",
    message: "the plan asks for sums under masks, and nothing makes them",
    where: "ports.summation",
    received: "nothing",
    expected: `a summation by ${secureSum.protocol}`,
    advice: "Give what simulatedSummation(plan) returns.",
  });
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

async function runRound(plan: RunPlan, ports: RunPorts, state: RunState, sum: RoundSum): Promise<RoundRecord> {
  const round = state.round + 1;
  const started = performance.now();
  const learningRate = plan.learningRate(round);
  const cohort = plan.sampler.sample(round, deriveKey(rootKey(plan.seed), "cohort", round));
  await ports.emit({ v: 1, type: "round.started", at: now(), round, cohort: [...cohort], learningRate });
  const scalars = publicScalars(plan, state.server, round, learningRate);
  const planned = { round, cohort, learningRate, scalars };
  sum.begin(round, cohort, scalars);
  const spent = await trainCohort(plan, ports, state, sum, planned);
  const trained = performance.now();
  const before = state.server.vectors.parameters;
  const { figures } = sum;
  await closeRound(plan, ports, state, sum, planned);
  const updated = performance.now();
  const { bytesDown, bytesUp } = withSecureBytes(spent, plan, sum);
  const { loss, lossMin, lossMax } = figures.summary();
  const record: RoundRecord = {
    round,
    loss: loss ?? Number.NaN,
    learningRate,
    clients: figures.clients,
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
    clients: figures.clients,
    examples: figures.examples,
    steps: figures.steps,
    bytesDown,
    bytesUp,
    seconds: record.seconds,
    trainSeconds: (trained - started - spent.foldMs) / 1000,
    aggregateSeconds: (updated - trained + spent.foldMs) / 1000,
    clientsPerSecond: figures.clients / record.seconds,
    clientLossMin: lossMin,
    clientLossMax: lossMax,
    updateNorm: distance(state.server.vectors.parameters, before),
    ...(Object.keys(sum.drift).length > 0 ? { drift: sum.drift } : {}),
    ...secureCost(sum),
    ...spentAfter(plan, round),
  });
  // nothing is to continue from a model that is not finite: the last checkpoint stays the newest
  if (!isFiniteVector(state.server.vectors.parameters)) return record;
  await evaluateRound(plan, ports, state, record);
  if (round % plan.checkpointEvery === 0 || round === plan.rounds) await saveCheckpoint(plan, ports, state);
  return record;
}

/** Ends the summing of updates and updates the server's state, or says why there is nothing to update it with. */
async function closeRound(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  sum: RoundSum,
  planned: PlannedRound,
): Promise<void> {
  const { round, cohort } = planned;
  const failure = (await sum.finish()) ?? unreleased(plan, sum.figures.clients, cohort.length);
  if (failure === undefined) state.server = updateServer(plan, state.server, sum, planned);
  else if (cohort.length > 0) await warnOfNoUpdates(ports, round, failure);
  await warn(ports, cutWarnings(sum, round));
  state.round = round;
}

type PlannedRound = FinishedRound & { readonly cohort: readonly number[] };

/** Broadcasts, lets the backend run the cohort and folds its updates in cohort order. */
async function trainCohort(
  plan: RunPlan,
  ports: RunPorts,
  { server }: RunState,
  sum: RoundSum,
  { round, cohort, learningRate, scalars }: PlannedRound,
): Promise<{ bytesDown: number; bytesUp: number; foldMs: number }> {
  const spent = { bytesDown: 0, bytesUp: 0, foldMs: 0 };
  const saving = new Background(SAVES_AT_A_TIME);
  const parts = assignParts(plan, round, cohort);
  await ports.backend.run(
    {
      broadcast: { round, vectors: plan.algorithm.broadcast(server, scalars, round), scalars },
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
      sum.addAll(finished.map(({ update }) => update));
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
  const { secureSum } = plan.stages;
  if (secureSum !== undefined) {
    const unfit = integerDefect(outcome.update, plan.layout, secureSum);
    return unfit === undefined ? outcome : failed(unfit);
  }
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

async function warnOfNoUpdates(ports: RunPorts, round: number, { code, message, advice }: Failure): Promise<void> {
  const next = advice === undefined ? "" : ` ${advice}`;
  const text = `Round ${round}: ${message}, so the model is what it was.${next}`;
  await warn(ports, [{ code, message: text }]);
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
    packageVersion: VERSION,
    dataHash: plan.dataHash,
    ...plan.description,
    ...(plan.stages.privacy === undefined ? {} : { noiseMultiplier: plan.stages.privacy.noiseMultiplier }),
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
