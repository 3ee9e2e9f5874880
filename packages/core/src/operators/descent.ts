import { type FeedbackWrapper, feedBack, keepLargest } from "../compression/index.ts";
import { type DeviceOperator, meanVector } from "./device-operator.ts";

/** Steps against an operator whose devices send compressed vectors. */
export interface CompressedDescentOptions {
  readonly feedback: "none" | FeedbackWrapper;
  /** Entries that a device sends. */
  readonly k: number;
  /** gamma */
  readonly stepSize: number;
  readonly steps: number;
}

/**
 * z after every step, [steps][d]. Messages are the k largest entries:
 *   none:  z <- z - mean C(gamma F_m(z))
 *   ef14:  c_m = C(gamma F_m(z) + e_m), e_m <- gamma F_m(z) + e_m - c_m, z <- z - mean c_m
 *   ef21:  c_m = C(F_m(z) - g_m), g_m <- g_m + c_m, z <- z - gamma mean g_m; ef21+ as `feedBack` says
 * Without feedback it may diverge. P. Richtarik, I. Sokolov, I. Fatkhullin, "EF21", NeurIPS 2021, arXiv:2106.05203.
 *
 * @example
 * ```ts
 * import { affineOperator, compressedDescent } from "@anabranch/core";
 * const device = affineOperator([[1, 0], [0, 1]], [0, 0]);
 * const options = { feedback: "ef14", k: 1, stepSize: 0.5, steps: 1 } as const;
 * compressedDescent([device], Float64Array.of(4, 2), options); // => [[2, 2]]
 * ```
 */
export function compressedDescent(
  devices: readonly DeviceOperator[],
  start: Float64Array,
  { feedback, k, stepSize, steps }: CompressedDescentOptions,
): Float64Array[] {
  const compress = keepLargest(k);
  const states = devices.map(() => new Float64Array(start.length));
  const scaled = (vector: Float64Array) => vector.map((value) => stepSize * value);
  let z = start;
  return Array.from({ length: steps }, () => {
    const sent = devices.map((device, m) => {
      const value = device(z);
      if (feedback === "none") return compress(scaled(value));
      const fed = feedBack(feedback, compress, feedback === "ef14" ? scaled(value) : value, states[m]!);
      states[m] = Float64Array.from(fed.state);
      return fed.sent;
    });
    // the mean of the states and not a running sum of changes, which rounding would stop short of the solution
    const estimates = feedback === "ef21" || feedback === "ef21+";
    const step = estimates ? scaled(meanVector(states)) : meanVector(sent);
    z = z.map((value, j) => value - step[j]!);
    return z;
  });
}
