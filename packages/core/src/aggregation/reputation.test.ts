import { describe, expect, it } from "vitest";
import { noReputations, type Reputations, reputationRound, reward } from "./reputation.ts";

const settings = { memory: 0.95, norm: 2, threshold: 1 / 3, warmup: 10 };
const update = (...values: number[]) => Float64Array.from(values);

function rounds(count: number, updates: readonly Float64Array[], options = settings) {
  let state: Reputations = noReputations(updates.length);
  const removed: number[] = [];
  let aggregate = update();
  for (let round = 0; round < count; round++) {
    const next = reputationRound(
      state,
      updates,
      updates.map(() => 1),
      options,
    );
    removed.push(...state.reputable.filter((c) => !next.after.reputable.includes(c)).map(() => round));
    state = next.after;
    aggregate = next.aggregate as typeof aggregate;
  }
  return { state, removed, aggregate };
}

describe("reputations", () => {
  it("are uniform for identical clients, who receive the whole aggregate", () => {
    const same = [update(1, -1, 0.5), update(1, -1, 0.5), update(1, -1, 0.5)];
    const { state, aggregate } = rounds(3, same);
    expect(state.values).toEqual([1, 1, 1].map((r) => expect.closeTo(r / 3, 12)));
    for (const client of [0, 1, 2]) expect(reward(aggregate, [2, 1], state, client)).toEqual(aggregate);
  });

  it("remove a client that goes the other way in the round after the warm-up, not before it", () => {
    const { state, removed } = rounds(12, [update(1, 1), update(1, 0.9), update(0.9, 1), update(-1, -1)]);
    expect(removed).toEqual([10]);
    expect(state.reputable).toEqual([0, 1, 2]);
    expect(state.values[3]).toBe(0);
  });

  it("clip updates", () => {
    const { aggregate } = rounds(1, [update(30, 40), update(3, 4)], { ...settings, norm: 1 });
    expect(Array.from(aggregate)).toEqual([expect.closeTo(0.6, 12), expect.closeTo(0.8, 12)]);
  });

  it("reward in each layer the largest entries, as many as the share of the best", () => {
    const state = { round: 1, values: [0.5, 0.25, -0.1], reputable: [0, 1, 2] };
    const aggregate = update(1, -4, 3, 2, 0.5, -0.6, 0.1);
    expect(Array.from(reward(aggregate, [4, 3], state, 1))).toEqual([0, -4, 3, 0, 0.5, -0.6, 0]);
    expect(Array.from(reward(aggregate, [4, 3], state, 2))).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(reward(aggregate, [4, 3], state, 0)).toEqual(aggregate);
  });
});
