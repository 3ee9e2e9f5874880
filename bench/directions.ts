import { deriveKey, rootKey } from "@anabranch/core";
import { addDirection, fillDirection } from "../packages/core/src/random/index.ts";
import { type BenchOptions, type BenchResult, count, undisturbed } from "./lib/result.ts";

const SIZE = 1_626_442;

/**
 * Directions of 1,626,442 coordinates from seeds: one thread, in `--rounds` (9) turns or more. GB/s are
 * those of the float32 coordinates; adding is to float64 sums.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 9);
  const out = new Float32Array(SIZE);
  const sum = new Float64Array(SIZE);
  const rows = (["rademacher", "binomial", "uniform"] as const).map((family) => {
    const key = deriveKey(rootKey(1), family);
    const fill = undisturbed(rounds, () => void fillDirection(out, family, key));
    const add = undisturbed(rounds, () => addDirection(sum, 0.5, family, key));
    const rate = (ms: number) => (4 * SIZE) / ms / 1e6;
    return {
      label: family,
      values: { "ms fill": fill, "GB/s fill": rate(fill), "ms add": add, "GB/s add": rate(add) },
    };
  });
  return { name: `directions: ${SIZE} coordinates`, rows, checks: [], notes: [] };
}
