import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBursty, type StragglerPattern } from "./bursty.ts";
import { Multiplexed } from "./multiplexed.ts";
import { SelectiveRepeat } from "./selective-repeat.ts";

const JOBS = 12;

/** A pattern that conforms: late workers of each round are those proposed, where the model still holds with them. */
function conforming(proposed: readonly (readonly number[])[], model: Parameters<typeof isBursty>[1]): StragglerPattern {
  const pattern: number[][] = [];
  for (const round of proposed) {
    const late: number[] = [];
    pattern.push(late);
    for (const worker of new Set(round)) {
      late.push(worker);
      if (!isBursty(pattern, model)) late.pop();
    }
  }
  return pattern;
}

const rounds = (n: number) => fc.array(fc.array(fc.nat(n - 1), { maxLength: n }), { minLength: 20, maxLength: 20 });

describe("sequential gradient codes", () => {
  it.each([
    [6, 1, 2, 2],
    [6, 2, 3, 2],
    [8, 2, 3, 3],
    [8, 3, 4, 2],
  ])("M-SGC of %i workers finishes every job in T rounds: B %i, W %i, lambda %i", (workers, burst, window, most) => {
    fc.assert(
      fc.property(rounds(workers), (proposed) => {
        const scheme = new Multiplexed({ workers, burst, window, most, jobs: JOBS });
        const pattern = conforming(proposed, { burst, window, most });
        for (let round = 0; round < scheme.rounds; round++) scheme.endRound(new Set(pattern[round]));
        expect(scheme.finished).toEqual(Array.from({ length: JOBS }, (_, job) => job + 1 + scheme.delay));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [6, 2, 3, 3],
    [8, 2, 5, 4],
    [8, 1, 2, 4],
  ])("SR-SGC of %i workers finishes every job in B rounds: B %i, W %i, lambda %i", (workers, burst, window, most) => {
    fc.assert(
      fc.property(rounds(workers), (proposed) => {
        const scheme = new SelectiveRepeat({ workers, burst, window, most, jobs: JOBS });
        const pattern = conforming(proposed, { burst, window, most });
        for (let round = 0; round < scheme.rounds; round++) scheme.endRound(new Set(pattern[round]));
        for (const [job, round] of scheme.finished.entries()) {
          expect(round === job + 1 || round === job + 1 + burst).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("lose a job where more workers are late than the model allows", () => {
    const scheme = new SelectiveRepeat({ workers: 6, burst: 2, window: 3, most: 3, jobs: 1 });
    for (const late of [[0, 1, 2], [], [0, 1]]) scheme.endRound(new Set(late));
    expect(isBursty([[0, 1, 2], [], [0, 1]], { burst: 2, window: 3, most: 3 })).toBe(false);
    expect(scheme.finished).toEqual([null]);
  });

  it("know when the due job needs a late worker", () => {
    const scheme = new SelectiveRepeat({ workers: 6, burst: 2, window: 3, most: 3, jobs: 3 });
    expect(scheme.mayEnd(new Set([0, 1, 2, 3, 4, 5]))).toBe(true);
    for (const late of [[0, 1, 2], []]) scheme.endRound(new Set(late));
    // job 1 has three results, and worker 0 repeats it
    expect([scheme.mayEnd(new Set([1, 2])), scheme.mayEnd(new Set([0]))]).toEqual([true, false]);
    const multiplexed = new Multiplexed({ workers: 4, burst: 1, window: 2, most: 1, jobs: 2 });
    multiplexed.endRound(new Set([1]));
    // worker 1 repeats its chunk in place of a coded result, so all the others are needed
    expect([[], [0], [1]].map((late) => multiplexed.mayEnd(new Set(late)))).toEqual([true, false, false]);
  });

  it("M-SGC repeats nothing where nobody is late", () => {
    const scheme = new Multiplexed({ workers: 4, burst: 2, window: 3, most: 1, jobs: 3 });
    for (let round = 0; round < scheme.rounds; round++) {
      for (const slots of scheme.tasks) {
        for (const [slot, task] of slots.entries()) {
          if (task !== null) expect([task.kind, task.index]).toEqual(slot < 2 ? ["part", slot] : ["coded", slot - 2]);
        }
      }
      scheme.endRound(new Set());
    }
  });

  it("have the loads of the paper's experiment with 256 workers", () => {
    const jobs = 1;
    const multiplexed = new Multiplexed({ workers: 256, burst: 1, window: 2, most: 27, jobs });
    const repeated = new SelectiveRepeat({ workers: 256, burst: 2, window: 3, most: 23, jobs });
    expect(multiplexed.load).toBeCloseTo(0.00754, 5);
    expect(repeated.load).toBeCloseTo(0.0508, 4);
  });

  it("refuse sizes that do not fit", () => {
    const sizes = { workers: 6, burst: 2, window: 4, most: 3, jobs: 2 };
    expect(() => new SelectiveRepeat(sizes)).toThrow(/a divisor of W - 1/);
    expect(() => new Multiplexed({ ...sizes, burst: 5 })).toThrow(/at most W = 4/);
    expect(() => new Multiplexed({ ...sizes, most: 7 })).toThrow(/from 0 to workers = 6/);
    expect(() => new Multiplexed({ ...sizes, jobs: 0 })).toThrow(/at least 1/);
  });
});

describe("a bursty pattern", () => {
  it("has few stragglers in each window, each for a short time", () => {
    const model = { burst: 2, window: 3, most: 2 };
    expect(isBursty([[0], [0], [1], [1], []], model)).toBe(true);
    expect(isBursty([[0], [], [0]], model)).toBe(false);
    expect(isBursty([[0], [1], [2]], model)).toBe(false);
    expect(isBursty([[0, 1, 2]], model)).toBe(false);
  });
});
