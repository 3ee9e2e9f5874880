import * as z from "zod";
import { occurring, type PrivacyEvent, parseEvent, privacyEventSchema } from "./events.ts";

/**
 * The key of a model file's metadata under which its privacy record stands.
 *
 * @example
 * ```ts
 * import { PRIVACY_RECORD } from "@anabranch/core";
 * PRIVACY_RECORD; // => "privacyRecord"
 * ```
 */
export const PRIVACY_RECORD = "privacyRecord";

/** Longest record that is read, in characters, and most runs in it: every accountant composes these within seconds. */
const MOST_CHARACTERS = 1 << 17;
const MOST_RUNS = 64;
/** Most releases of an event, so that sums of them stay exact. */
const MOST_RELEASES = 2 ** 31;

const hash = z.string().regex(/^[0-9a-f]{16}$/);

/** What rounds of runs release; trees and Laplace noise are none of theirs. */
const released = privacyEventSchema.refine(
  ({ kind, count }) => kind !== "tree-gaussian" && kind !== "laplace" && count <= MOST_RELEASES,
  "no event of a run's rounds",
);

const run = z
  .strictObject({
    /** Rounds begun. */
    rounds: z.int().nonnegative().max(MOST_RELEASES),
    /** Who added the noise. */
    noise: z.enum(["central", "distributed", "local"]),
    /** Clients of the federation, or records where those are protected. */
    population: z.int().positive(),
    /** Hash of the data and their partition. */
    data: hash,
    /** All that the rounds released. */
    events: z.array(released).max(2),
  })
  .refine(
    ({ rounds, events }) => (rounds === 0) === (events.length === 0),
    "rounds that released nothing, or the other way round",
  )
  .refine(
    ({ rounds, events }) => events.every((event) => isOfRounds(event, rounds)),
    "events that are not of every round",
  );

const record = z
  .strictObject({
    v: z.literal(1),
    /** Whom epsilon is about. */
    unit: z.enum(["clients", "records"]),
    /** Hash of the parameters, float32 in the order of their layout: a record counts for them alone. */
    weights: hash,
    /** False where the first run started from weights that no record tells about. */
    covered: z.boolean(),
    /** The private runs that made the weights, the first one first. */
    runs: z.array(run).max(MOST_RUNS),
  })
  .refine(({ runs }) => new Set(runs.flatMap(({ events }) => events.map(({ adjacency }) => adjacency))).size <= 1, {
    message: "events of different adjacency",
  });

/** Whether an event is one of so many rounds: as often in each, or of blocks that take up all of them. */
function isOfRounds(event: PrivacyEvent, rounds: number): boolean {
  if (event.kind !== "allocated-gaussian") return event.count % rounds === 0;
  return event.count <= rounds && event.count * event.block >= rounds;
}

/** One private run in a record. */
export type RecordedRun = Readonly<z.output<typeof run>>;
/** What was spent on a model, as its file tells: enough to go on counting in a run that starts from it. */
export type PrivacyRecord = Readonly<z.output<typeof record>>;

/**
 * What a run will have spent, as its first event tells: `before` on its initial weights, and `round` in each of its own
 * rounds.
 */
export const privacyAccountSchema = z.object({
  unit: record.shape.unit,
  covered: z.boolean(),
  before: z.array(run).max(MOST_RUNS),
  round: run,
});
export type RecordedAccount = Readonly<z.output<typeof privacyAccountSchema>>;

/**
 * The record of the model after `rounds` rounds of a run. `weights`: the hash of its parameters in float32.
 *
 * @example
 * ```ts
 * import { recordAfter } from "@anabranch/core";
 * const poisson = { kind: "poisson-gaussian" as const, samplingRate: 0.1, noiseMultiplier: 1 };
 * const event = { ...poisson, adjacency: "add-or-remove" as const, count: 1 };
 * const hash = "0123456789abcdef";
 * const round = { rounds: 1, noise: "central" as const, population: 100, data: hash, events: [event] };
 * const account = { unit: "clients" as const, covered: true, before: [], round };
 * recordAfter(account, 20, hash).runs[0]?.events[0]?.count; // => 20
 * ```
 */
export function recordAfter(account: RecordedAccount, rounds: number, weights: string): PrivacyRecord {
  const { unit, covered, before, round } = account;
  const own =
    rounds === 0
      ? []
      : [{ ...round, rounds, events: round.events.map((event) => parseEvent(occurring(event, rounds))) }];
  return { v: 1, unit, weights, covered, runs: merged([...before, ...own]) };
}

/** Equal runs one after the other as one, so that a long chain of continued runs stays short. */
function merged(runs: readonly RecordedRun[]): RecordedRun[] {
  const result: RecordedRun[] = [];
  for (const next of runs) {
    const last = result.at(-1);
    if (last === undefined || kindOf(last) !== kindOf(next)) result.push(next);
    else {
      const events = last.events.map((event, i) => ({ ...event, count: event.count + next.events[i]!.count }));
      result[result.length - 1] = { ...last, rounds: last.rounds + next.rounds, events };
    }
  }
  return result;
}

/** What two runs have in common that differ in their number of rounds alone. */
function kindOf({ rounds: _, events, ...rest }: RecordedRun): string {
  return JSON.stringify([rest, events.map((event) => ({ ...event, count: 1 }))]);
}

/**
 * Reads the record in a file's metadata, which anyone may have written: undefined where there is none, the reason where
 * it cannot be used. What is read can be composed; that it is true, nobody can check.
 *
 * @example
 * ```ts
 * import { parsePrivacyRecord } from "@anabranch/core";
 * parsePrivacyRecord({}); // => undefined
 * ```
 */
export function parsePrivacyRecord(
  metadata: Readonly<Record<string, string>>,
): PrivacyRecord | { readonly unusable: string } | undefined {
  const text = Object.hasOwn(metadata, PRIVACY_RECORD) ? metadata[PRIVACY_RECORD] : undefined;
  if (text === undefined) return undefined;
  if (text.length > MOST_CHARACTERS) return { unusable: "it is too long" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { unusable: "it is not JSON" };
  }
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path } = parsed.error.issues[0]!;
  return { unusable: path.length === 0 ? "it has the wrong form" : `its "${String(path[0])}" cannot be used` };
}
