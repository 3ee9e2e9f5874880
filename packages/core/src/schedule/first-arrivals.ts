import type { Schedule, ScheduleState, Step } from "./schedule.ts";

export interface FirstArrivalsOptions {
  /** Updates that a round waits for; undefined: those of the whole cohort. */
  readonly keep?: number | undefined;
  /** Microseconds from the start of a round; undefined: a round waits as long as it takes. */
  readonly deadline?: number | undefined;
  /** How long the order of a client takes that is given out at an instant, in microseconds; `part`: what it sends. */
  readonly duration: (client: number, round: number, at: number, part?: number) => number;
}

/** Clients that a round still waits for; those that could replace one that fails, and their parts; the round, its start and end. */
const [OUTSTANDING, SPARE, PARTS, ROUND] = ["outstanding", "spare", "parts", "round"] as const;
/** Of clients that send everything. */
const WHOLE = -1;
const END = "end";

/**
 * Rounds of the first arrivals: of a cohort that is larger than needed, a round takes the first `keep` updates, and none that
 * arrive after its deadline. It ends with the last that it takes, or at the deadline where fewer have come.
 *
 * Source: K. Bonawitz et al., "Towards Federated Learning at Scale: System Design", MLSys 2019, arXiv:1902.01046
 * (over-selection, and reports until a deadline).
 *
 * Durations are known when a round begins, so clients that would be late are not trained in a simulation. Updates are added in
 * the order of the cohort, as in any synchronous round. A client that fails is replaced by the next one that would arrive.
 *
 * @example firstArrivals({ keep: 10, deadline: 60e6, duration: (client) => 1e6 * (client + 1) })
 */
export function firstArrivals({ keep, deadline = Number.POSITIVE_INFINITY, duration }: FirstArrivalsOptions): Schedule {
  return {
    name: "synchronous",
    initial: {},
    open(_state, { round, time, cohort, parts }) {
      const timed = cohort.map((client) => ({ client, after: duration(client, round, time, parts?.get(client)) }));
      const { arrived, end, late } = firstOf(timed, keep ?? cohort.length, deadline);
      const chosen = new Set(arrived);
      const state = {
        ...{ [OUTSTANDING]: [chosen.size], [SPARE]: late, [ROUND]: [round, time, time + end] },
        [PARTS]: late.map((client) => parts?.get(client) ?? WHOLE),
      };
      const requests = cohort.filter((client) => chosen.has(client)).map((client) => ({ client, visit: 0 }));
      const step = requests.length > 0 ? { state, complete: false } : untilEnd(state, time);
      return { ...step, requests, unused: cohort.filter((client) => !chosen.has(client)) };
    },
    arrived(state, { client: _client, time, failed }) {
      const [round, start, end] = state[ROUND]! as readonly [number, number, number];
      const [next, ...spare] = failed ? state[SPARE]! : [];
      if (next !== undefined) {
        const [part, ...parts] = state[PARTS]!;
        const arrives = start + duration(next, round, start, part === WHOLE ? undefined : part);
        const replaced = { ...state, [SPARE]: spare, [PARTS]: parts, [ROUND]: [round, start, arrives] };
        return { state: replaced, requests: [{ client: next, visit: 0 }], complete: false, fold: false, factor: 1 };
      }
      const left = state[OUTSTANDING]![0]! - 1;
      // nobody can replace it: the round would have waited for its deadline
      const waits = failed && Number.isFinite(deadline) ? start + deadline : end;
      const after = { ...state, [OUTSTANDING]: [left], [ROUND]: [round, start, waits] };
      const step = left > 0 ? { state: after, complete: false } : untilEnd(after, time);
      return { ...step, requests: [], fold: true, factor: 1 };
    },
    timer: () => ({ state: {}, requests: [], complete: true }),
  };
}

/** Everything has come: the round is over at its end. */
function untilEnd(state: ScheduleState, now: number): Omit<Step, "requests"> {
  const end = state[ROUND]![2]!;
  if (end <= now) return { state: {}, complete: true };
  return { state, complete: false, timers: [{ name: END, at: end }] };
}

/** A client and how long after the start of its round it arrives. */
export interface TimedClient {
  readonly client: number;
  readonly after: number;
}

/**
 * The first `keep` of a cohort that arrive by the deadline, in order of arrival and among equals in order of the cohort; when
 * the round ends, from its start; and who else arrives by the deadline.
 *
 * @example firstOf([{ client: 4, after: 3 }, { client: 7, after: 1 }], 1, 10) // { arrived: [7], end: 1, late: [4] }
 */
export function firstOf(
  cohort: readonly TimedClient[],
  keep: number,
  deadline: number,
): { readonly arrived: readonly number[]; readonly end: number; readonly late: readonly number[] } {
  const inTime = cohort.filter(({ after }) => after <= deadline).sort((a, b) => a.after - b.after);
  const kept = inTime.slice(0, keep);
  // fewer than are wanted, though somebody may still come: the deadline ends the round
  const isShort = kept.length < keep && Number.isFinite(deadline);
  return {
    arrived: kept.map(({ client }) => client),
    end: isShort ? deadline : (kept.at(-1)?.after ?? 0),
    late: inTime.slice(keep).map(({ client }) => client),
  };
}
