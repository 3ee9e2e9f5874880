import { endsTask } from "../data/task-stream.ts";
import type { EvaluationSums } from "./backend.ts";
import { type RunState, saveBest } from "./checkpoint-store.ts";
import { classAccuracies } from "./class-accuracies.ts";
import { isDivergedLoss } from "./divergence.ts";
import { evaluateModels } from "./evaluate-models.ts";
import { addSums } from "./evaluation-sums.ts";
import { now, warn } from "./narrate.ts";
import { openWorldAccuracies } from "./open-world-accuracies.ts";
import { ownSums } from "./personal-models.ts";
import type { RegressionScale, RoundRecord, RunPlan, RunPorts } from "./run-plan.ts";
import { servedModel } from "./served-model.ts";
import { taskAccuracies } from "./task-accuracies.ts";

/** Judges the model of a round where one is due: on the test set, and on the clients' own hold-outs. */
export async function evaluateRound(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  record: RoundRecord,
): Promise<void> {
  const { round } = record;
  const isDue = (every: number) => every > 0 && (round % every === 0 || round === plan.rounds);
  const ends = plan.evaluateEvery > 0 && plan.taskStream !== undefined && endsTask(plan.taskStream, round);
  if (ends || isDue(plan.evaluateEvery)) await evaluateTest(plan, ports, state, record);
  if (isDue(plan.evaluateClientsEvery)) await evaluateClients(plan, ports, state, record);
  if (isDue(plan.evaluateModelsEvery ?? 0)) await evaluateModels(plan, ports, state, record);
  await warn(ports, ports.backend.takeWarnings?.());
}

async function evaluateTest(plan: RunPlan, ports: RunPorts, state: RunState, record: RoundRecord): Promise<void> {
  const { round } = record;
  const started = performance.now();
  const { sums, worstDecile } = await testSums(plan, ports, state);
  record.testLoss = sums.loss / sums.examples;
  const errors = plan.regression && regressionErrors(record.testLoss, plan.regression);
  if (errors === undefined) record.testAccuracy = sums.score / sums.examples;
  else Object.assign(record, errors);
  const at = now();
  const seconds = (performance.now() - started) / 1000;
  const { examples } = sums;
  const loss = Number.isFinite(record.testLoss) ? record.testLoss : null;
  const accuracy = record.testAccuracy ?? null;
  const onClients = plan.account?.testOnClients === true;
  const covered = onClients ? { covered: false } : {};
  const attacked = await ports.evaluator.evaluateAttack?.(servedModel(plan, state.server.vectors.parameters));
  const success = attacked === undefined ? {} : { attackSuccess: attacked.score / attacked.examples };
  await ports.emit({
    v: 1,
    type: "evaluation",
    at,
    round,
    split: "test",
    loss,
    accuracy,
    examples,
    seconds,
    ...(errors?.testRmse === undefined ? {} : { rmse: errors.testRmse }),
    ...(errors?.testR2 === undefined ? {} : { r2: errors.testR2 }),
    ...success,
    ...(onClients ? {} : { ...classesOf(plan, sums), ...openWorldOf(plan, sums) }),
    ...tasksOf(plan, state, round, sums),
    ...covered,
    ...(worstDecile === undefined ? {} : { worstDecile }),
  });
  state.totals = { ...state.totals, last: { loss, accuracy } };
  // which round is best is not for clients' examples to tell
  if (!onClients)
    await keepBest(
      plan,
      ports,
      state,
      accuracy ?? -record.testLoss,
      isDivergedLoss(record.testLoss, plan.guessingLoss),
    );
}

/** Accuracies on the tasks so far; the state remembers those at the end of each. */
function tasksOf({ taskStream }: RunPlan, state: RunState, round: number, { tasks }: EvaluationSums) {
  if (taskStream === undefined || tasks === undefined) return {};
  const { now, learned } = taskAccuracies(taskStream, round, tasks, state.totals.learned ?? []);
  state.totals = { ...state.totals, learned };
  return { tasks: now };
}

/** What accuracies of single classes come to, where examples have one. */
function classesOf({ classGroups }: RunPlan, { classes }: EvaluationSums) {
  return classes === undefined ? {} : { classes: classAccuracies(classes, classGroups) };
}

/** Accuracies on classes with and without labels. */
function openWorldOf({ unseenClasses }: RunPlan, { classes }: EvaluationSums) {
  const openWorld = unseenClasses && classes && openWorldAccuracies(classes, unseenClasses);
  return openWorld === undefined ? {} : { openWorld };
}

/** Root mean squared error in units of the target, and 1 - error / variance; what is not finite is left out. */
function regressionErrors(loss: number, { deviation, variance }: RegressionScale) {
  const [testRmse, testR2] = [deviation * Math.sqrt(loss), 1 - loss / variance];
  return { ...(Number.isFinite(testRmse) && { testRmse }), ...(Number.isFinite(testR2) && { testR2 }) };
}

async function keepBest(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  score: number,
  diverged: boolean,
): Promise<void> {
  const { best } = state.totals;
  const improved = !diverged && (best.round === 0 || score > best.score);
  const next = improved ? { round: state.round, score, stale: 0 } : { ...best, stale: best.stale + 1 };
  state.totals = { ...state.totals, best: next };
  if (improved) await saveBest(plan, ports, state);
}

/** Of the global model; where clients have models of their own, of all of these together. */
async function testSums(
  plan: RunPlan,
  { evaluator, clientStates }: RunPorts,
  state: RunState,
): Promise<{ readonly sums: EvaluationSums; readonly worstDecile?: number }> {
  if (plan.localModel === undefined) {
    return { sums: await evaluator.evaluate(servedModel(plan, state.server.vectors.parameters)) };
  }
  const byClient: EvaluationSums[] = [];
  for (let client = 0; client < plan.population; client++) {
    const model = plan.localModel(plan.initial, await clientStates.load(client));
    byClient.push(await evaluator.evaluate(model));
  }
  const sums = addSums(byClient);
  if (plan.regression !== undefined) return { sums };
  return { sums, worstDecile: bottomDecile(byClient.map(({ score, examples }) => score / examples)) };
}

/** On each client's hold-out: of the global model, of the one that serves the client, or of the client's own. */
async function clientSums(
  plan: RunPlan,
  { evaluator, clientStates }: RunPorts,
  state: RunState,
): Promise<readonly EvaluationSums[]> {
  const { localModel, algorithm } = plan;
  const own =
    localModel === undefined
      ? algorithm.modelFor?.bind(algorithm, state.server)
      : async (client: number) => localModel(plan.initial, await clientStates.load(client));
  if (own === undefined) return evaluator.evaluateClients(servedModel(plan, state.server.vectors.parameters));
  const sums: EvaluationSums[] = [];
  for (let client = 0; client < plan.population; client++) {
    const model = await own(client);
    sums.push(...(await evaluator.evaluateClients(model, client)));
  }
  return sums;
}

/** Mean of the lowest tenth, of one value at least. */
function bottomDecile(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return mean(sorted.slice(0, Math.max(1, Math.floor(sorted.length / 10))));
}

async function evaluateClients(plan: RunPlan, ports: RunPorts, state: RunState, record: RoundRecord): Promise<void> {
  const sums = await clientSums(plan, ports, state);
  const withData = [...sums.keys()].filter((i) => sums[i]!.examples > 0);
  if (withData.length === 0) return;
  if (plan.regression !== undefined) return emitClientErrors(ports, record, plan.regression, withData, sums);
  const { personal, adapted } = await ownSums(plan, ports, state);
  const summary = (of: readonly EvaluationSums[]) => ({
    ...summarize(withData.map((i) => accuracyOf(of[i]!))),
    ...classesOf(plan, addSums(of)),
  });
  const all = summary(sums);
  const own = personal && summary(personal);
  const fitted = adapted && summary(adapted);
  Object.assign(record, {
    ...{ clientMean: all.mean, clientWorstDecile: all.worstDecile },
    ...(own && { personalMean: own.mean }),
    ...(fitted && { adaptedMean: fitted.mean }),
  });
  await ports.emit({
    v: 1,
    type: "client.evaluation",
    at: now(),
    round: record.round,
    ...all,
    clients: withData,
    ...(own && { personal: own }),
    ...(fitted && { adapted: fitted }),
  });
}

function accuracyOf({ score, examples }: EvaluationSums): number {
  return score / examples;
}

/** Accuracies of clients and what they come to. */
function summarize(accuracies: number[]) {
  const best = accuracies.reduce((a, b) => Math.max(a, b));
  return { mean: mean(accuracies), worstDecile: bottomDecile(accuracies), best, accuracies };
}

/** Of models that predict numbers: the error of each client, and no accuracies. */
async function emitClientErrors(
  ports: RunPorts,
  { round }: RoundRecord,
  { deviation }: RegressionScale,
  clients: readonly number[],
  sums: readonly EvaluationSums[],
): Promise<void> {
  const errors = clients.map((i) => deviation * Math.sqrt(sums[i]!.loss / sums[i]!.examples));
  const sorted = [...errors].sort((a, b) => b - a);
  const worst = sorted.slice(0, Math.max(1, Math.floor(sorted.length / 10)));
  const summary = { mean: mean(errors), worstDecile: mean(worst), best: sorted.at(-1)! };
  const none = { mean: null, worstDecile: null, best: null, accuracies: [], clients: [...clients] };
  const rmse = { ...summary, errors };
  await ports.emit({ v: 1, type: "client.evaluation", at: now(), round, ...none, rmse });
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
