import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignGroup } from "./group-assignment.ts";

const limits = { minSteps: 2, maxSteps: 8, latestFactor: 1.5 };
const group = (number: number, expected: number, latest: number, fastest = 0.5) => ({
  ...{ number, expected, latest, fastest },
});

describe("the group of a client", () => {
  it("is a new one with most steps where there is none", () => {
    expect(assignGroup([], 0.5, 10, limits)).toEqual({ steps: 8, expected: 14, latest: 16 });
  });

  it("is that in which it does most steps, the later one among equals", () => {
    const groups = [group(0, 3, 5), group(1, 6, 9), group(2, 6.5, 9)];
    expect(assignGroup(groups, 1, 0, limits)).toMatchObject({ joined: 2, steps: 6 });
    expect(assignGroup(groups, 1, 5.5, limits)).toMatchObject({ steps: 7 });
  });

  it("is made so that fast members of another can join it", () => {
    // too late for the group at 4; its fastest member does 8 steps of 0.5 s from 6 on
    expect(assignGroup([group(0, 4, 6)], 2, 1, limits)).toEqual({ steps: 4, expected: 9, latest: 13 });
  });

  it("has steps within the limits, always", () => {
    const time = fc.double({ min: 0.01, max: 50, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(time, time, time), { maxLength: 5 }), time, time, (list, speed, now) => {
        const groups = list.map(([expected, more, fastest], number) =>
          group(number, expected, expected + more, fastest),
        );
        const { steps, latest, expected } = assignGroup(groups, speed, now, limits);
        expect(steps).toBeGreaterThanOrEqual(2);
        expect(steps).toBeLessThanOrEqual(8);
        expect(latest).toBeGreaterThanOrEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
