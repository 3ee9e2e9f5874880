import { type RunState, saveBest } from "./checkpoint-store.ts";
import { isDivergedLoss } from "./divergence.ts";
import { now, warn } from "./narrate.ts";
import type { RoundRecord, RunPlan, RunPorts } from "./run-plan.ts";

/** Judges the model of a round where one is due: on the test set, and on the clients' own hold-outs. */
export async function evaluateRound(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  record: RoundRecord,
): Promise<void> {
  const { round } = record;
  const isDue = (every: number) => every > 0 && (round % every === 0 || round === plan.rounds);
  if (isDue(plan.evaluateEvery)) await evaluateTest(plan, ports, state, record);
  if (isDue(plan.evaluateClientsEvery)) await evaluateClients(ports, state, record);
  await warn(ports, ports.backend.takeWarnings?.());
}

async function evaluateTest(plan: RunPlan, ports: RunPorts, state: RunState, record: RoundRecord): Promise<void> {
  const { round } = record;
  const started = performance.now();
  const sums = await ports.evaluator.evaluate(state.server.vectors.parameters);
  record.testLoss = sums.loss / sums.examples;
  record.testAccuracy = sums.score / sums.examples;
  const at = now();
  const seconds = (performance.now() - started) / 1000;
  const { examples } = sums;
  const loss = Number.isFinite(record.testLoss) ? record.testLoss : null;
  const accuracy = record.testAccuracy;
  const onClients = plan.account?.testOnClients === true;
  const covered = onClients ? { covered: false } : {};
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
    ...covered,
  });
  state.totals = { ...state.totals, last: { loss, accuracy } };
  // which round is best is not for clients' examples to tell
  if (!onClients) await keepBest(plan, ports, state, accuracy, isDivergedLoss(record.testLoss, plan.guessingLoss));
}

async function keepBest(
  plan: RunPlan,
  ports: RunPorts,
  state: RunState,
  accuracy: number,
  diverged: boolean,
): Promise<void> {
  const { best } = state.totals;
  const improved = !diverged && (best.round === 0 || accuracy > best.accuracy);
  const next = improved ? { round: state.round, accuracy, stale: 0 } : { ...best, stale: best.stale + 1 };
  state.totals = { ...state.totals, best: next };
  if (improved) await saveBest(plan, ports, state);
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
