import { expect, it } from "vitest";
import { resolveConfig } from "../config/index.ts";
import { learningRateSchedule } from "./schedule.ts";

it.each([
  ["constant", [0.1, 0.1, 0.1, 0.1]],
  ["exponential", [0.1, 0.05, 0.025, 0.0125]],
  // 0.1 * (1 + cos(pi * t / 4)) / 2 for t = 0, 1, 2, 3
  ["cosine", [0.1, 0.1 * (0.5 + Math.SQRT1_2 / 2), 0.05, 0.1 * (0.5 - Math.SQRT1_2 / 2)]],
] as const)("%s", (schedule, expected) => {
  const training = { learningRate: 0.1, schedule, decay: 0.5 };
  const rate = learningRateSchedule(resolveConfig({ rounds: 4, training }));
  for (const [i, value] of expected.entries()) expect(rate(i + 1)).toBeCloseTo(value, 15);
});
