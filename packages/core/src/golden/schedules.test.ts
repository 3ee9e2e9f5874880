import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runGolden } from "./run-golden.ts";

interface GoldenCase {
  readonly id: string;
  readonly operation: string;
  readonly input: unknown;
  readonly options: unknown;
  readonly expected: unknown;
  /** Of numbers, relative to the larger of 1 and the expected value. */
  readonly tolerance?: number;
}

/** Cases of schedules, selection and coding, from programs that are not these. */
const fixture = new URL("../../../../tests/fixtures/golden-schedules.json", import.meta.url);
const cases = JSON.parse(readFileSync(fixture, "utf8")) as readonly GoldenCase[];

describe("golden cases of schedules, selection and coding", () => {
  it.each(cases.map((each) => [each.id, each] as const))("%s", async (_id, { expected, tolerance = 1e-9, ...each }) => {
    expectClose(JSON.parse(JSON.stringify(await runGolden(each))), expected, tolerance, each.id);
  });
});

function expectClose(got: unknown, expected: unknown, tolerance: number, where: string): void {
  if (typeof expected === "number") {
    const error = Math.abs(Number(got) - expected);
    expect(error, `${where}: ${got} is not ${expected}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(expected)),
    );
  } else if (Array.isArray(expected)) {
    expect(Array.isArray(got) && got.length, `${where}: length`).toBe(expected.length);
    for (const [i, part] of expected.entries()) expectClose((got as unknown[])[i], part, tolerance, `${where}[${i}]`);
  } else if (typeof expected === "object" && expected !== null) {
    for (const [key, part] of Object.entries(expected))
      expectClose((got as Record<string, unknown>)[key], part, tolerance, `${where}.${key}`);
  } else {
    expect(got, where).toBe(expected);
  }
}
