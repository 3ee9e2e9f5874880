import type { Schedule } from "../schedule/index.ts";
import type { PreparedRun } from "../simulation/prepare.ts";

/**
 * An asynchronous run whose updates arrive in a given order, whatever the clients' speeds: a second between two of them.
 *
 * @param rounds the updates of each round by client, version and visit, as `round.finished` lists them
 *
 * @example
 * ```ts
 * import { replayed, simulateSmall, smallRun } from "@anabranch/core/conformance";
 * const { prepared } = smallRun({ name: "fedbuff" }, { rounds: 2, schedule: { buffer: 1, concurrency: 2 } });
 * // client, version and visit of the updates of each round
 * const run = replayed(prepared, [[[0, 1, 0]], [[1, 1, 0]]]);
 * (await simulateSmall(run)).round; // => 2
 * ```
 */
export function replayed(prepared: PreparedRun, rounds: readonly (readonly [number, number, number][])[]): PreparedRun {
  const arrivals = rounds.flat().map(([client, version, visit]) => ({ client, version, visit }));
  const places = new Map(arrivals.map(({ client, version, visit }, i) => [`${client}/${version}/${visit}`, i + 1]));
  const { schedule } = prepared.plan;
  let now = 0;
  const script: Schedule = {
    ...schedule,
    open: (_state, { round }) => ({
      state: { left: [rounds[round - 1]!.length] },
      requests: [],
      complete: rounds[round - 1]!.length === 0,
    }),
    arrived({ left }, arrival) {
      now = arrival.time;
      const { fold, factor } = schedule.arrived({}, arrival);
      const state = { left: [left![0]! - 1], given: [1] };
      return { state, requests: [], complete: left![0] === 1, fold, factor };
    },
    settle(state, { round }) {
      const requests = state["given"] === undefined ? arrivals.filter(({ version }) => version === round) : [];
      return { state: { ...state, given: [1] }, requests, complete: false };
    },
  };
  const durations = (client: number, version: number, visit: number) =>
    places.get(`${client}/${version}/${visit}`)! * 1e6 - now;
  return { ...prepared, plan: { ...prepared.plan, schedule: script, durations } };
}
