import { expect, it } from "vitest";
import { RateLimit } from "./rate-limit.ts";

it("lets a burst through, then so many per second, each source by itself", () => {
  let now = 0;
  const limit = new RateLimit({ burst: 3, perSecond: 2 }, () => now);
  const taken = () => limit.take("a");
  expect([taken(), taken(), taken()]).toEqual([0, 0, 0]);
  expect(taken()).toBe(0.5);
  expect(limit.take("b")).toBe(0);
  now = 500;
  expect([taken(), taken()]).toEqual([0, 0.5]);
  now = 1e6;
  expect([taken(), taken(), taken(), taken()]).toEqual([0, 0, 0, 0.5]);
});

it("takes more for what costs more, and nothing for what is refused", () => {
  const limit = new RateLimit({ burst: 10, perSecond: 1 }, () => 0);
  expect(limit.take("a", 8)).toBe(0);
  expect(limit.take("a", 8)).toBe(6);
  expect(limit.take("a", 2)).toBe(0);
});

it("forgets the quietest sources before memory grows without end", () => {
  const limit = new RateLimit({ burst: 1, perSecond: 0.001 }, () => 0);
  for (let i = 0; i < 50_001; i++) limit.take(`source ${i}`);
  expect(limit.take("source 50000")).toBeGreaterThan(0);
  expect(limit.take("source 0")).toBe(0);
});
