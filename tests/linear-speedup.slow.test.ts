import { expect, it } from "vitest";
import { methods, slope, squaredGradient } from "../experiments/quadratics/linear-speedup.ts";

const common = { localSteps: 4, rounds: 120, seed: 2, heterogeneity: 0.1 };
const chosen = new Set(["fedadamw", "local-muon"]);

/** linear-speedup.test.ts has FedAvg, and says why the tolerance. */
it.each(methods.filter(([name]) => chosen.has(name)))("the norm falls like 1 / S: %s", async (_name, method) => {
  const points: [number, number][] = [];
  for (const cohort of [1, 4, 16]) points.push([cohort, await squaredGradient({ ...common, ...method, cohort })]);
  expect(Math.abs(slope(points) + 1)).toBeLessThan(0.25);
});
