/**
 * When a run has failed though every round was carried out: the one rule for run, resume, sweep and the libraries.
 * A private run is judged by its released models alone, so that how it ends tells nothing of its clients.
 */
import { weightValues } from "../params/statistics.ts";
import { isFiniteVector, norm2, type Vector } from "../params/vector.ts";
import type { RunPlan } from "./run-plan.ts";
import type { FailedClient, Trouble } from "./trouble.ts";

/** What is known of a round when it has ended. */
export interface RoundFacts {
  readonly round: number;
  readonly cohort: number;
  /** Clients whose update was summed. */
  readonly clients: number;
  readonly failures: readonly FailedClient[];
  /** Why nothing was released; undefined where something was. */
  readonly whyNotReleased: string | undefined;
  readonly parameters: Vector;
  /** Test loss where the round was evaluated, else the cohort's training loss; undefined where there is neither. */
  readonly loss: { readonly of: "test" | "training"; readonly value: number } | undefined;
}

/** Rounds in a row in which every client failed, after which a run stops. */
const FAILED_ROUNDS = 3;
/** A loss this many times that of guessing is no longer one of training. Overconfident models reach some thousands. */
const TIMES_GUESSING = 1e6;
/** Root mean square of weights that have grown without bound, over that of the initial ones (at least 1). */
const TIMES_INITIAL = 1e6;

const LOWER_RATE = "Lower training.learningRate, or set training.gradientClip.";
const NOBODY_IN_TIME = "no update arrived in time. Raise schedule.deadline.";
const NOT_FINITE = "client/not-finite";
const AWAY: ReadonlySet<string> = new Set(["client/absent", "client/late", "client/left", "client/unresponsive"]);

/** The trouble after a round, counted on from that of the round before; undefined where the round did well. */
export function troubleAfter(plan: RunPlan, before: Trouble | undefined, facts: RoundFacts): Trouble | undefined {
  const found = modelTrouble(plan, facts) ?? clientTrouble(plan, facts);
  if (found === undefined) return facts.cohort === 0 ? before : undefined;
  const rounds = before?.kind === found.kind ? before.rounds + 1 : 1;
  const first = facts.round - rounds + 1;
  const place = rounds === 1 ? `Round ${facts.round}` : `Rounds ${first} to ${facts.round}`;
  return { ...found, rounds, message: `${place}: ${found.message}` };
}

/**
 * Whether a run with this trouble stops now, with rounds left to train. A private one has no trouble of this kind.
 *
 * @example
 * ```ts
 * import { stopsForTrouble } from "@anabranch/core";
 * stopsForTrouble(undefined); // => false
 * ```
 */
export function stopsForTrouble(trouble: Trouble | undefined): trouble is Trouble {
  return trouble?.kind === "clients" && trouble.rounds >= FAILED_ROUNDS;
}

/**
 * Whether a run with this trouble has failed when it ends after `round`: not for one release that was missing.
 *
 * @example
 * ```ts
 * import { failsForTrouble } from "@anabranch/core";
 * failsForTrouble(undefined, 3); // => false
 * ```
 */
export function failsForTrouble(trouble: Trouble | undefined, round: number): trouble is Trouble {
  return trouble !== undefined && (trouble.kind !== "unreleased" || trouble.rounds === round);
}

/**
 * Whether a failure is that of a client that is not there: it will fail so until it comes back.
 *
 * @example
 * ```ts
 * import { isAway } from "@anabranch/core";
 * isAway("client/absent"); // => true
 * ```
 */
export function isAway(code: string): boolean {
  return AWAY.has(code);
}

/** Whether a loss is one of a model that has diverged. `guessing`: the loss of guessing, where the model classifies. */
export function isDivergedLoss(loss: number, guessing: number | undefined): boolean {
  return !Number.isFinite(loss) || (guessing !== undefined && loss > TIMES_GUESSING * guessing);
}

type Found = Omit<Trouble, "rounds">;

function modelTrouble(plan: RunPlan, { parameters, loss }: RoundFacts): Found | undefined {
  const diverged = (what: string): Found => {
    return { kind: "model", reason: "diverged", message: `${what}. ${LOWER_RATE}` };
  };
  const sizeOf = (values: Vector) => rootMeanSquare(weightValues(plan.layout, values));
  const size = sizeOf(parameters);
  // the squares of finite float64 numbers may overflow
  if (!Number.isFinite(size) && !isFiniteVector(parameters)) return diverged("the model is not finite");
  const { guessingLoss, stages, initial } = plan;
  // losses are of clients' own data, or of a test set that may be taken from them
  const judged = stages.privacy === undefined ? loss : undefined;
  if (judged !== undefined && isDivergedLoss(judged.value, guessingLoss)) {
    const guess = Number(guessingLoss?.toPrecision(3));
    const value = `${judged.value.toExponential(1)}; guessing gives ${guess}`;
    return diverged(`the ${judged.of} loss is ${Number.isFinite(judged.value) ? value : "not finite"}`);
  }
  if (guessingLoss === undefined || size <= TIMES_INITIAL) return undefined;
  if (size <= TIMES_INITIAL * sizeOf(initial)) return undefined;
  return diverged(`the weights have grown to ${size.toExponential(1)} (root mean square)`);
}

function clientTrouble({ stages }: RunPlan, facts: RoundFacts): Found | undefined {
  const { cohort, clients, failures, whyNotReleased } = facts;
  if (cohort === 0) return undefined;
  if (clients === 0 && stages.privacy === undefined) {
    if (failures.length === 0) return { kind: "clients", reason: "clients-failed", message: NOBODY_IN_TIME };
    // that some did not answer says nothing of why the others failed
    const there = failures.filter(({ code }) => !isAway(code));
    const isMixed = there.length > 0 && there.length < failures.length;
    const { code, message } = mostCommon(isMixed ? there : failures);
    const who = isMixed ? "all clients that answered" : "all clients";
    const diverged = code === NOT_FINITE;
    const advice = diverged ? LOWER_RATE : "The events client.failed have every failure in full.";
    return {
      kind: "clients",
      reason: diverged ? "diverged" : "clients-failed",
      message: `${who} failed (${code}): ${firstSentence(message)}. ${advice}`,
    };
  }
  if (whyNotReleased === undefined) return undefined;
  // how many finished would tell who took part; that nothing was released shows in the models
  const what = stages.privacy === undefined ? whyNotReleased : "too few clients finished for a release";
  const someAway = stages.privacy === undefined && failures.some(({ code }) => isAway(code));
  const advice = someAway
    ? "More clients have to be there, or a sum has to need fewer (secureAggregation.threshold)."
    : stages.privacy === undefined && stages.secureAggregation === undefined
      ? "Raise sampler.cohort, or lower aggregation.byzantine."
      : "Raise sampler.cohort, or lower the number of clients that a sum needs.";
  return { kind: "unreleased", reason: "clients-failed", message: `${what}. ${advice}` };
}

/** The first failure of the most frequent code. */
function mostCommon(failures: readonly FailedClient[]): FailedClient {
  const groups = [...Map.groupBy(failures, ({ code }) => code).values()];
  const [most] = groups.sort((a, b) => b.length - a.length);
  return most![0]!;
}

/**
 * The message of a failure without its place, numbers and advice.
 *
 * @example
 * ```ts
 * import { firstSentence } from "@anabranch/core";
 * firstSentence("the data are missing; received nothing. Download them."); // => "the data are missing"
 * ```
 */
export function firstSentence(message: string): string {
  return message.split(/ \(round \d|; (?:received|expected) |\. |\n/)[0]!.replace(/\.$/, "");
}

function rootMeanSquare(vector: Vector): number {
  return norm2(vector) / Math.sqrt(Math.max(1, vector.length));
}
