import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { buffered } from "./buffered.ts";
import { drawIdle } from "./idle-clients.ts";
import type { ScheduleState, Step } from "./schedule.ts";
import { stalenessFactor } from "./staleness.ts";

const fresh = { form: "constant", rate: 0, grace: 0 } as const;

/** Follows a schedule over a population of clients, all of whom are there. */
class Play {
  state: ScheduleState = {};
  readonly busy = new Set<number>();
  readonly #schedule;
  readonly #population: number;

  constructor(options: { buffer: number; concurrency: number; most?: number }, population: number) {
    this.#schedule = buffered({ ...options, staleness: { ...fresh, most: options.most } });
    this.#population = population;
  }

  open(): Step {
    return this.#take(this.#schedule.open(this.state, { round: 1, time: 0, cohort: [] }));
  }

  arrive(client: number, { failed = false, staleness = 0 } = {}) {
    this.busy.delete(client);
    const step = this.#schedule.arrived(this.state, { client, time: 0, failed, staleness });
    this.#take(step);
    return step;
  }

  settle(): Step {
    const about = { round: 1, time: 0, population: this.#population, key: rootKey(7) };
    const step = this.#schedule.settle!(this.state, { ...about, outstanding: this.busy.size, unavailable: this.busy });
    for (const { client } of step.requests) this.busy.add(client);
    return this.#take(step);
  }

  #take<S extends Step>(step: S): S {
    this.state = step.state;
    return step;
  }
}

describe("buffered rounds", () => {
  it("keep a number of clients training and end with the K-th update", () => {
    const play = new Play({ buffer: 2, concurrency: 3 }, 10);
    expect(play.open()).toMatchObject({ requests: [], complete: false });
    expect(play.settle().requests).toHaveLength(3);
    const [first, second] = [...play.busy];
    expect(play.arrive(first!)).toMatchObject({ complete: false, fold: true, factor: 1, requests: [] });
    expect(play.settle().requests).toHaveLength(1);
    expect(play.busy.size).toBe(3);
    expect(play.arrive(second!)).toMatchObject({ complete: true, fold: true });
    expect(play.state).toEqual({ freed: [second] });
  });

  it("give work to all clients in the order in which they came back, where all train", () => {
    const play = new Play({ buffer: 9, concurrency: 4 }, 4);
    play.open();
    expect(play.settle().requests.map(({ client }) => client)).toEqual([0, 1, 2, 3]);
    for (const client of [2, 0, 3]) play.arrive(client);
    expect(play.settle().requests).toEqual([2, 0, 3].map((client) => ({ client, visit: 1 })));
    play.arrive(0);
    expect(play.settle().requests).toEqual([{ client: 0, visit: 2 }]);
  });

  it("begin visits anew with each version", () => {
    const play = new Play({ buffer: 1, concurrency: 2 }, 2);
    play.open();
    play.settle();
    expect(play.arrive(1).complete).toBe(true);
    play.open();
    expect(play.settle().requests).toEqual([{ client: 1, visit: 0 }]);
  });

  it("leave out what is too stale, and give its client the newest version", () => {
    const play = new Play({ buffer: 1, concurrency: 2, most: 2 }, 2);
    play.open();
    play.settle();
    expect(play.arrive(1, { staleness: 3 })).toMatchObject({ fold: false, complete: false });
    expect(play.settle().requests).toEqual([{ client: 1, visit: 1 }]);
    expect(play.arrive(0, { staleness: 2 })).toMatchObject({ fold: true, complete: true });
  });

  it("do not give a client that failed the same version again, and end when too many have failed", () => {
    const play = new Play({ buffer: 2, concurrency: 2 }, 5);
    play.open();
    play.settle();
    const [first, second] = [...play.busy];
    expect(play.arrive(first!, { failed: true })).toMatchObject({ fold: false, complete: false });
    expect(play.settle().requests.map(({ client }) => client)).not.toContain(first);
    expect(play.arrive(second!, { failed: true }).complete).toBe(true);
  });

  it("end when everyone who is there has failed", () => {
    const play = new Play({ buffer: 5, concurrency: 2 }, 2);
    play.open();
    play.settle();
    play.arrive(0, { failed: true });
    expect(play.settle()).toMatchObject({ requests: [], complete: false });
    play.arrive(1, { failed: true });
    expect(play.settle()).toMatchObject({ requests: [], complete: true });
  });
});

describe("idle clients", () => {
  it("are drawn without replacement among those that are not busy", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.nat(45),
        fc.nat(),
        fc.array(fc.nat(39)),
        (n, count, seed, given) => {
          const busy = new Set(given.filter((client) => client < n));
          const drawn = drawIdle(n, busy, count, rootKey(seed));
          expect(drawn).toHaveLength(Math.min(count, n - busy.size));
          expect(new Set(drawn).size).toBe(drawn.length);
          expect(drawn.every((client) => client >= 0 && client < n && !busy.has(client))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are drawn uniformly", () => {
    const counts = [0, 0, 0, 0, 0];
    for (let seed = 0; seed < 3000; seed++)
      for (const client of drawIdle(5, new Set([1]), 1, rootKey(seed))) counts[client]!++;
    expect(counts[1]).toBe(0);
    // 3,000 draws over 4 clients: 750 each, with a standard deviation of 24
    for (const client of [0, 2, 3, 4]) expect(Math.abs(counts[client]! - 750)).toBeLessThan(120);
  });
});

describe("the factor of a stale update", () => {
  const rule = (form: Parameters<typeof stalenessFactor>[0]["form"]) => ({ form, rate: 0.5, grace: 2 });
  it.each([
    ["constant", [1, 1, 1, 1]],
    ["polynomial", [1, 1 / Math.sqrt(2), 1 / Math.sqrt(3), 0.5]],
    ["hinge", [1, 1, 1, 1 / 1.5]],
    ["linear", [1, 1 / 1.5, 1 / 2, 1 / 2.5]],
    ["exponential", [1, Math.exp(-0.5), Math.exp(-1), Math.exp(-1.5)]],
    ["half-life", [1, 0.25, 1 / 16, 1 / 64]],
  ] as const)("%s", (form, expected) => {
    for (const [u, value] of expected.entries()) expect(stalenessFactor(rule(form), u)).toBeCloseTo(value, 12);
    expect(stalenessFactor({ ...rule(form), most: 2 }, 3)).toBe(0);
  });
});
