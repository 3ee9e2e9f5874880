import { fedmuon, type PreparedRun, prepareRun, resolveConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { inProcess, type Outcome, onThreads } from "./testing/outcomes.ts";
import { identity, waves } from "./testing/waves.ts";

const part = (n: number) => waves(n, [1, 8, 8]);

/** Three rounds of a vision transformer of one block, the update clipped. */
function prepare(options: Parameters<typeof fedmuon>[0]): PreparedRun {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "vit", width: 16, depth: 1, heads: 2 },
    training: { localSteps: 2, batchSize: 4, learningRate: 0.01 },
    aggregation: { clipNorm: 0.5 },
    sampler: { cohort: 4 },
    evaluation: { batch: 8 },
  });
  return prepareRun(config, { train: part(48), test: part(8) }, identity, 0, "codecs", { algorithm: fedmuon(options) });
}

const bytesUp = ({ bytes }: Outcome) => bytes.map(([up]) => up);

describe("encoded updates", () => {
  it.each([
    ["ranks that the plan knows, at 2 workers", { upload: "truncated-svd", rankShare: 0.2 } as const, [2]],
    [
      "ranks that clients choose, at 1, 2 and 3 workers",
      { upload: "truncated-svd", rankEnergy: 0.8 } as const,
      [1, 2, 3],
    ],
  ])("with %s: the bits and bytes of the in-process backend", async (_what, options, counts) => {
    const prepared = prepare(options);
    const expected = await inProcess(prepared);
    const whole = bytesUp(await inProcess(prepare({})));
    for (const [round, bytes] of bytesUp(expected).entries()) expect(bytes).toBeLessThan(0.8 * whole[round]!);
    for (const workers of counts) expect(await onThreads(prepared, workers)).toEqual(expected);
  });

  it("fit their slot where the matrices travel as they are, a rank beside each", async () => {
    const prepared = prepare({ upload: "truncated-svd", rankEnergy: 1 });
    const result = await onThreads(prepared, 2);
    const whole = await inProcess(prepare({}));
    expect(result.modelHash).toBe(whole.modelHash);
    for (const [round, bytes] of bytesUp(result).entries()) expect(bytes).toBeGreaterThan(bytesUp(whole)[round]!);
  });
});
