import { drawIdle } from "./idle-clients.ts";
import type { Schedule, ScheduleState, Step } from "./schedule.ts";

export interface TicksOptions {
  /** Microseconds between two ticks. */
  readonly period: number;
  /** Clients that train at a time. */
  readonly concurrency: number;
  /** A client's factor on its updates. */
  readonly weight: (client: number) => number;
}

/** Whether work of this round was given out. */
const GIVEN = "given";

/**
 * Rounds of a fixed length of time: at every tick the server adds the updates that have arrived since the last one, and
 * gives their clients the new model. An arrival exactly at a tick counts; a tick without arrivals is a round too.
 *
 * Citation: Y. Fraboni, R. Vidal, L. Kameni, M. Lorenzi, "A General Theory for Federated Optimization with Asynchronous and
 * Heterogeneous Clients Updates", JMLR 2023, arXiv:2206.10189 (FedFix).
 *
 * @example ticks({ period: 1e6, concurrency: 100, weight: (client) => Math.ceil(times[client] / 1e6) })
 */
export function ticks({ period, concurrency, weight }: TicksOptions): Schedule {
  const going = (state: ScheduleState): Step => ({ state, requests: [], complete: false });
  return {
    name: "ticks",
    concurrency,
    initial: {},
    open: (_state, { time }) => ({
      ...going({}),
      timers: [{ name: "tick", at: (Math.floor(time / period) + 1) * period }],
    }),
    arrived: (state, { client, failed }) => ({ ...going(state), fold: !failed, factor: failed ? 0 : weight(client) }),
    timer: () => ({ state: {}, requests: [], complete: true }),
    settle(state, { population, unavailable, outstanding, key }) {
      // who has arrived since is given work at the tick
      if (state[GIVEN] !== undefined) return going(state);
      const chosen = drawIdle(population, unavailable, concurrency - outstanding, key);
      return { ...going({ [GIVEN]: [1] }), requests: chosen.map((client) => ({ client, visit: 0 })) };
    },
  };
}
