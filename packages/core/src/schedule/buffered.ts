import { deriveKey } from "../random/index.ts";
import { drawIdle } from "./idle-clients.ts";
import type { Instant, Schedule, ScheduleState, Step, WorkRequest } from "./schedule.ts";
import { type StalenessRule, stalenessFactor } from "./staleness.ts";

export interface BufferedOptions {
  /** K: updates that make a new version of the model. */
  readonly buffer: number;
  /** Clients that train at a time. */
  readonly concurrency: number;
  readonly staleness: StalenessRule;
  /** A client's own factor on its updates, on top of that for staleness; absent: 1. */
  readonly weight?: ((client: number) => number) | undefined;
}

/** Updates folded and orders failed in this round; clients given work on its version, and those that came back last. */
const [FOLDED, FAILED, GIVEN, FREED] = ["folded", "failed", "given", "freed"] as const;

/**
 * Asynchronous rounds: a fixed number of clients train at a time, and each is replaced when it is done. Every K updates
 * are a round, whatever version they were trained on.
 *
 * Citation: J. Nguyen, K. Malik, H. Zhan, A. Yousefpour, M. Rabbat, M. Malek, D. Huba, "Federated Learning with Buffered
 * Asynchronous Aggregation", AISTATS 2022, arXiv:2106.06639.
 *
 * A client has one order at a time. One that failed is given the next on the next version. Where as many orders have
 * failed in a round as it could hold, it ends with what it has. Who is free at an instant is given work after
 * all of its arrivals. The replacement is drawn among all idle clients; where all of them train, they keep their order.
 *
 * @example buffered({ buffer: 10, concurrency: 100, staleness: { form: "polynomial", rate: 0.5, grace: 0 } })
 */
export function buffered({ buffer, concurrency, staleness, weight }: BufferedOptions): Schedule {
  const bound = Math.max(buffer, concurrency);
  const complete = (state: ScheduleState) => count(state, FOLDED) >= buffer || list(state, FAILED).length >= bound;
  const step = (state: ScheduleState): Step => ({ state, requests: [], complete: complete(state) });
  return {
    name: "buffered",
    buffer,
    concurrency,
    initial: {},
    open: (state) => step(kept({ [FREED]: list(state, FREED) })),
    arrived(state, { client, failed, staleness: age }) {
      const factor = failed ? 0 : stalenessFactor(staleness, age) * (weight?.(client) ?? 1);
      const next = kept({
        ...state,
        [FREED]: [...list(state, FREED), client],
        ...(failed ? { [FAILED]: [...list(state, FAILED), client] } : {}),
        ...(factor > 0 ? { [FOLDED]: [count(state, FOLDED) + 1] } : {}),
      });
      // a round remembers nothing of what it has folded, once it is complete
      const after = complete(next) ? kept({ [FREED]: next[FREED]! }) : next;
      return { state: after, requests: [], complete: complete(next), fold: factor > 0, factor };
    },
    timer: step,
    settle(state, instant) {
      const { begun = [] } = instant;
      if (begun.length > 0) return { ...step(given(state, begun)), requests: begun };
      const chosen = choose(state, instant, concurrency - instant.outstanding);
      if (chosen.length === 0) {
        // nothing will come any more: everyone who is there has failed
        return instant.outstanding > 0 ? step(state) : { ...step(state), complete: list(state, FAILED).length > 0 };
      }
      const before = list(state, GIVEN);
      const requests = chosen.map((client) => ({ client, visit: before.filter((other) => other === client).length }));
      return { state: given({ ...state, [FREED]: [] }, requests), requests, complete: false };
    },
  };
}

/** The state after work was given out. */
function given(state: ScheduleState, requests: readonly WorkRequest[]): ScheduleState {
  return kept({ ...state, [GIVEN]: [...list(state, GIVEN), ...requests.map(({ client }) => client)] });
}

/** Who is given work: all who can be, in the order in which they came back, or as many as are free drawn at random. */
function choose(state: ScheduleState, { population, unavailable, key }: Instant, places: number): readonly number[] {
  if (places <= 0) return [];
  const failed = list(state, FAILED);
  const excluded = failed.length === 0 ? unavailable : new Set([...unavailable, ...failed]);
  const drawn = drawIdle(population, excluded, places, deriveKey(key, list(state, GIVEN).length));
  if (drawn.length < population - excluded.size) return drawn;
  const freed = list(state, FREED).filter((client) => !excluded.has(client));
  const last = new Set(freed);
  return [...drawn.filter((client) => !last.has(client)), ...last];
}

function list(state: ScheduleState, name: string): readonly number[] {
  return state[name] ?? [];
}

function count(state: ScheduleState, name: string): number {
  return state[name]?.[0] ?? 0;
}

/** Without empty lists, so that a state that remembers nothing is empty. */
function kept(state: ScheduleState): ScheduleState {
  return Object.fromEntries(Object.entries(state).filter(([, numbers]) => numbers.length > 0));
}
