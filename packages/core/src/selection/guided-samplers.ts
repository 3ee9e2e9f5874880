import { largest } from "@anabranch/engine";
import { deriveKey, type RandomKey } from "../random/index.ts";
import { drawWeighted } from "./draw-weighted.ts";
import { type ClientReport, remembered, type SelectionMemory, withValues } from "./feedback.ts";
import { heteroScores } from "./hetero-scores.ts";
import type { UpdateSpeed } from "./names.ts";
import { oortScores } from "./oort-scores.ts";
import type { Sampler } from "./sampler.ts";

/** Loss, examples and seconds of a client's newest order, the round of it (0: none) and how often it was selected. */
const [LOSS, EXAMPLES, SECONDS, LAST, COUNT] = ["loss", "examples", "seconds", "last", "count"] as const;

/** Reports that can be learned from: a client may claim any loss, and memory is finite numbers. */
function usable(reports: readonly ClientReport[]): readonly ClientReport[] {
  return reports.filter(({ loss, examples }) => Number.isFinite(loss * examples) && Math.abs(loss) <= MOST_LOSS);
}

/** A loss beyond this is none of training, and its sums could overflow. */
const MOST_LOSS = 1e100;

function learnReports(clients: number) {
  return (
    memory: SelectionMemory,
    round: number,
    cohort: readonly number[],
    reports: readonly ClientReport[],
  ): SelectionMemory => {
    const counts = remembered(memory, COUNT, clients);
    const selected = cohort.map((client) => [client, counts[client]! + 1] as const);
    const finite = usable(reports);
    let next = withValues(memory, COUNT, clients, selected);
    for (const [name, value] of [
      [LOSS, ({ loss }: ClientReport) => loss],
      [EXAMPLES, ({ examples }: ClientReport) => examples],
      [SECONDS, ({ seconds }: ClientReport) => seconds],
      [LAST, () => round],
    ] as const) {
      next = withValues(
        next,
        name,
        clients,
        finite.map((report) => [report.client, value(report)] as const),
      );
    }
    return next;
  };
}

/** Cohort of one client after the other, from client 0 on, again and again. */
export function roundRobinSampler(clients: number, cohort: number): Sampler {
  return {
    name: "round-robin",
    sample: (round) =>
      Array.from({ length: cohort }, (_, i) => ((round - 1) * cohort + i) % clients).sort((a, b) => a - b),
  };
}

/** All clients in every round. */
export function fullSampler(clients: number): Sampler {
  return { name: "full", sample: () => Array.from({ length: clients }, (_, client) => client) };
}

/** Clients with a probability proportional to 1 / seconds of their newest order; those not known count as the mean. */
export function latencySampler(clients: number, cohort: number): Sampler {
  return {
    name: "latency",
    sample(round, keyOf, memory = {}) {
      const seconds = remembered(memory, SECONDS, clients);
      const known = seconds.filter((value) => value > 0);
      const mean = known.length === 0 ? 1 : known.reduce((sum, value) => sum + value, 0) / known.length;
      const weights = seconds.map((value) => 1 / (value > 0 ? value : mean));
      return ascending(drawWeighted(weights, cohort, keyOf(round)));
    },
    feedback: { initial: {}, learn: learnReports(clients) },
  };
}

/** Rounds between two decisions on how fast clients have to be, and by how much the percentile changes. */
const [PACE, PACE_STEP] = [20, 5];
const SETTINGS = { clipPercentile: 98, alpha: 2, cutoff: 0.7 };

/**
 * Oort: clients of high loss that are fast, and some that were never tried.
 *
 * Citation: F. Lai, X. Zhu, H. V. Madhyastha, M. Chowdhury, OSDI 2021, arXiv:2010.06081.
 *
 * Differences: the utility of a client is its examples times its mean training loss, where the paper takes the root of the
 * mean squared loss of examples; clients that were never tried are drawn uniformly; no client is excluded for ever.
 */
export function oortSampler(clients: number, cohort: number): Sampler {
  const learn = learnReports(clients);
  return {
    name: "oort",
    sample(round, keyOf, memory = {}) {
      const [loss, examples] = [remembered(memory, LOSS, clients), remembered(memory, EXAMPLES, clients)];
      const [seconds, last] = [remembered(memory, SECONDS, clients), remembered(memory, LAST, clients)];
      const everyone = last.map((lastRound, client) => {
        const utility = loss[client]! * examples[client]!;
        return { client, utility, lastRound: lastRound === 0 ? null : lastRound, duration: seconds[client]! };
      });
      const tried = everyone.filter(({ lastRound }) => lastRound !== null);
      const untried = everyone.filter(({ lastRound }) => lastRound === null).map(({ client }) => client);
      const epsilon = Math.max(0.2, 0.9 * 0.98 ** (round - 1));
      const pacerPercentile = memory["pacer"]?.[0] ?? 10;
      const { exploit, probabilities, scores } = oortScores(tried, round, cohort, {
        ...SETTINGS,
        epsilon,
        pacerPercentile,
      });
      const explore = Math.min(untried.length, cohort - Math.min(exploit, tried.length));
      const key = keyOf(round);
      const explored = drawWeighted(
        untried.map(() => 1),
        explore,
        deriveKey(key, "explore"),
      ).map((i) => untried[i]!);
      const exploited = drawFirst(probabilities, scores, cohort - explored.length, key).map((i) => tried[i]!.client);
      return ascending([...exploited, ...explored]);
    },
    feedback: {
      initial: {},
      learn(memory, round, chosen, reports) {
        const next = learn(memory, round, chosen, reports);
        const sum = usable(reports).reduce((total, { loss, examples }) => total + loss * examples, 0);
        const [now = 0, before = 0] = memory["paced"] ?? [];
        if (round % PACE !== 0) return { ...next, paced: [now + sum, before] };
        const percent = memory["pacer"]?.[0] ?? 10;
        return { ...next, paced: [0, now + sum], pacer: [paced(percent, now + sum, before)] };
      },
    },
  };
}

/** Slower clients are allowed where their utility hardly changes, and fewer where it changes much. */
function paced(percent: number, now: number, before: number): number {
  if (before === 0) return percent;
  const change = Math.abs(now - before);
  if (change <= 0.1 * before) return Math.min(100, percent + PACE_STEP);
  return change >= 5 * before ? Math.max(PACE_STEP, percent - PACE_STEP) : percent;
}

/** Draws by probabilities, and by scores where too few have one. */
function drawFirst(
  probabilities: readonly number[],
  scores: readonly number[],
  count: number,
  key: RandomKey,
): number[] {
  const drawn = drawWeighted(probabilities, count, key);
  const chosen = new Set(drawn);
  const rest = [...scores.keys()].filter((i) => !chosen.has(i)).sort((a, b) => scores[b]! - scores[a]!);
  return [...drawn, ...rest.slice(0, count - drawn.length)];
}

/**
 * HeteRo-Select: clients of high loss, that were selected seldom and not lately.
 *
 * Citation: M. A. Masud, M. A. Jahin, M. M. Hasan, 2025, arXiv:2508.06692.
 *
 * Differences: the loss is that of a client's newest training; the server keeps no updates of clients, so the diversity of
 * all of them counts as not known (0.5).
 *
 * @param updateSpeed what the paper's "update speed" is: rounds since a client was selected (as in its second version), or
 *   the time that an order takes (as the words of its first version may be read); clients never tried count as fastest
 */
export function heteroSampler(
  clients: number,
  cohort: number,
  rounds: number,
  updateSpeed: UpdateSpeed = "staleness",
): Sampler {
  return {
    name: "hetero-select",
    sample(round, keyOf, memory = {}) {
      const [loss, counts] = [remembered(memory, LOSS, clients), remembered(memory, COUNT, clients)];
      const [last, seconds] = [remembered(memory, LAST, clients), remembered(memory, SECONDS, clients)];
      const highest = largest(loss, 1);
      const known = last.map((lastRound, client) => ({
        // a client that was never tried may have the highest loss of all
        loss: lastRound === 0 ? highest : loss[client]!,
        count: counts[client]!,
        lastRound: lastRound === 0 ? null : lastRound,
        cosine: null,
        ...(updateSpeed === "seconds" ? { seconds: seconds[client]! } : {}),
      }));
      const { probabilities } = heteroScores(known, round, rounds);
      return ascending(drawWeighted(probabilities, cohort, keyOf(round)));
    },
    feedback: { initial: {}, learn: learnReports(clients) },
  };
}

/**
 * A curriculum over clients: cohorts are drawn evenly from a growing part of the clients, those of the lowest loss.
 *
 * Citation: S. Vahidian et al., "When Do Curricula Work in Federated Learning?", ICCV 2023, arXiv:2212.12712.
 *
 * Differences: the loss is that of a client's newest training, where the paper evaluates the global model at every client;
 * clients that were never tried have the mean loss of the others. Of equal losses the lower client comes first.
 *
 * @param partOf part of the clients in a round, which counts from 1
 */
export function easiestSampler(clients: number, cohort: number, partOf: (round: number) => number): Sampler {
  return {
    name: "easiest-first",
    sample(round, keyOf, memory = {}) {
      const [loss, last] = [remembered(memory, LOSS, clients), remembered(memory, LAST, clients)];
      const tried = [...last.keys()].filter((client) => last[client]! > 0);
      const mean = tried.reduce((sum, client) => sum + loss[client]!, 0) / Math.max(1, tried.length);
      const known = Array.from(last, (lastRound, client) => (lastRound > 0 ? loss[client]! : mean));
      const easiest = [...known.keys()].sort((a, b) => known[a]! - known[b]! || a - b);
      const visible = easiest.slice(0, Math.max(cohort, Math.ceil(partOf(round) * clients)));
      const even = visible.map(() => 1);
      return ascending(drawWeighted(even, cohort, keyOf(round)).map((place) => visible[place]!));
    },
    feedback: { initial: {}, learn: learnReports(clients) },
  };
}

function ascending(clients: readonly number[]): number[] {
  return [...clients].sort((a, b) => a - b);
}
