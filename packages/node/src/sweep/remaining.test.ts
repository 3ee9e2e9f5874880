import { expect, it } from "vitest";
import { Remaining } from "./remaining.ts";

it("foretells by the variant's own pace, and by that of all where it has none", () => {
  const [a, b, c] = [
    { variant: "a", rounds: 10 },
    { variant: "b", rounds: 20 },
    { variant: "c", rounds: 5 },
  ];
  const remaining = new Remaining([a, a, b, b, c], 2);
  expect(remaining.seconds).toBeNaN();
  remaining.done(a, 20, 10); // 2 s a round
  expect(remaining.seconds).toBe(((10 + 20 + 20 + 5) * 2) / 2);
  remaining.done(b, 0, 0); // was there before: tells nothing of the pace
  expect(remaining.seconds).toBe(((10 + 20 + 5) * 2) / 2);
  remaining.done(b, 80, 20); // 4 s a round; over both 100 s in 30 rounds
  expect(remaining.seconds).toBeCloseTo((10 * 2 + (5 * 100) / 30) / 2, 12);
  remaining.done(a, 20, 10);
  remaining.done(c, 5, 5);
  expect(remaining.seconds).toBe(0);
});
