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
import { type FailedClient, type RoundFacts, troubleAfter } from "./divergence.ts";
import { evaluateRound } from "./evaluate-round.ts";
import { privacyAtStart, privacyDefect, publicScalars, spentAfter, unreleased } from "./private-round.ts";
import type { RoundSum } from "./round-sum.ts";
import { emitEnding, endingOf } from "./run-ending.ts";
import type { RoundRecord, RunPlan, RunPorts, RunResult } from "./run-plan.ts";
import { type RunState, restoreRun, saveCheckpoint } from "./run-state.ts";
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
  let ending = endingOf(plan, ports, state);
  while (ending === undefined) {
    history.push(await runRound(plan, ports, state, sum));
    ending = endingOf(plan, ports, state);
  }
  const { parameters } = state.server.vectors;
  if (state.savedRound !== state.round && isFiniteVector(parameters)) await saveCheckpoint(plan, ports, state);
  await emitEnding(plan, ports, state, ending);
  return {
    parameters,
    modelHash: hashVector(parameters),
    history,
    round: state.round,
    best: state.totals.best.round === 0 ? undefined : state.totals.best,
    stopped: ending.stopped,
    ...("message" in ending ? { reason: ending.message } : {}),
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
  const unreleased = await closeRound(plan, ports, state, sum, planned);
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
  await judgeRound(plan, ports, state, record, { cohort: cohort.length, failures: spent.failures, unreleased });
  return record;
}

/** Evaluates the model of a round, says what is wrong with it, and saves it. */
async function judgeRound(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  record: RoundRecord,
  cohort: Pick<RoundFacts, "cohort" | "failures" | "unreleased">,
): Promise<void> {
  const { round, clients } = record;
  const { parameters } = state.server.vectors;
  const finite = isFiniteVector(parameters);
  if (finite) await evaluateRound(plan, ports, state, record);
  await warn(ports, ports.backend.takeWarnings?.());
  const facts = { ...cohort, round, clients, parameters, loss: lossOf(record) };
  state.totals = { ...state.totals, trouble: troubleAfter(plan, state.totals.trouble, facts) };
  // nothing is to continue from a model that is not finite: the last checkpoint stays the newest
  if (!finite) return;
  if (round % plan.checkpointEvery === 0 || round === plan.rounds) await saveCheckpoint(plan, ports, state);
}

/** Ends the summing of updates and updates the server's state; returns why there is nothing to update it with. */
async function closeRound(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  sum: RoundSum,
  planned: PlannedRound,
): Promise<string | undefined> {
  const { round, cohort } = planned;
  const failure = (await sum.finish()) ?? unreleased(plan, sum.figures.clients, cohort.length);
  if (failure === undefined) state.server = updateServer(plan, state.server, sum, planned);
  else if (cohort.length > 0) await warnOfNoUpdates(ports, round, failure);
  await warn(ports, cutWarnings(sum, round));
  state.round = round;
  return failure?.message;
}

/** The loss that a round is judged by. */
function lossOf({ testLoss, loss, clients }: RoundRecord): RoundFacts["loss"] {
  if (testLoss !== undefined) return { of: "test", value: testLoss };
  return clients === 0 ? undefined : { of: "training", value: loss };
}

type PlannedRound = FinishedRound & { readonly cohort: readonly number[] };

/** Broadcasts, lets the backend run the cohort and folds its updates in cohort order. */
async function trainCohort(
  plan: RunPlan,
  ports: RunPorts,
  { server }: RunState,
  sum: RoundSum,
  { round, cohort, learningRate, scalars }: PlannedRound,
): Promise<{ bytesDown: number; bytesUp: number; foldMs: number; failures: FailedClient[] }> {
  const spent = { bytesDown: 0, bytesUp: 0, foldMs: 0, failures: [] as FailedClient[] };
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
        if ("failure" in checked) {
          spent.failures.push(checked.failure);
          await reportFailure(plan, ports, round, checked);
        } else finished.push(checked);
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
    ...privacyAtStart(plan, state.round),
    ...(state.round > 0 ? { resumedFrom: state.round } : {}),
  });
  await warn(ports, plan.warnings);
}

async function warn(ports: RunPorts, warnings: readonly Warning[] = []): Promise<void> {
  for (const warning of warnings) await ports.emit({ v: 1, type: "run.warning", at: now(), ...warning });
}

/** Time stamps are for people; they enter no hash and no decision. */
function now(): string {
  return new Date().toISOString();
}
