import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { TracedProblem } from "../simulation/classified-points.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { createAlgorithm } from "./registry.ts";

/**
 * Every method on quadratics, with exact gradients, no noise and nothing drawn at random: the global parameters after each
 * round, to ten decimals. The programs in tests/oracles derive the numbers from the papers' update rules in plain loops,
 * and `node tests/oracles/derive.ts METHOD` prints them.
 *
 * First traces of fedavg, fedavgm, fedprox, scaffold, fedcm, fedsam, mofedsam, fedspeed, fednsam, fedbcgd, fedbcgd+,
 * dp-fedavg, dp-fedsam, dp-fedpgn and diff2 were computed outside this repository, before this code; the oracles give the
 * same digits. The other traces come from the oracles alone.
 */
interface GoldenTraces {
  readonly problems: Readonly<Record<string, TracedProblem>>;
  readonly traces: readonly {
    readonly algorithm: { readonly name: string; readonly [option: string]: unknown };
    readonly problem: string;
    readonly changes?: Partial<TracedProblem>;
    readonly rounds: readonly (readonly number[])[];
  }[];
}
const fixture = new URL("../../../../tests/fixtures/golden-traces.json", import.meta.url);
const { problems, traces }: GoldenTraces = JSON.parse(readFileSync(fixture, "utf8"));

describe("golden traces", () => {
  it.each(traces.map((trace) => [titleOf(trace), trace] as const))("%s holds to 1e-9", async (_title, trace) => {
    const { name, ...options } = trace.algorithm;
    const problem = { ...problems[trace.problem]!, ...trace.changes } as TracedProblem;
    const { rounds } = await traceFederation(createAlgorithm(name, options), problem);
    const advice = `copy the rounds of ${name} from: node tests/oracles/derive.ts ${name}`;
    expect(trace.rounds.length, advice).toBe(rounds.length);
    const errors = rounds.flatMap((x, round) => x.map((value, j) => Math.abs(value - trace.rounds[round]![j]!)));
    expect(Math.max(...errors)).toBeLessThan(1e-9);
  });
});

function titleOf({ algorithm, problem, changes }: GoldenTraces["traces"][number]): string {
  return `${JSON.stringify(algorithm)} on ${problem}${changes === undefined ? "" : ` with ${JSON.stringify(changes)}`}`;
}
