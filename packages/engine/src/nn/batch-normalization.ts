import type { Tensor } from "../graph/graph.ts";
import { batchNorm as batchNormOf, normalizeBy } from "../ops/batch-normalization.ts";
import { sum } from "../ops/broadcast.ts";
import { add, div, mul, square, sub } from "../ops/elementwise.ts";
import { maximum } from "../ops/selection.ts";
import { ones, zeros } from "./initializers.ts";
import { type Module, parameter } from "./module.ts";

/**
 * Batch normalization of [N, channels, ...]. Parameters gamma (ones) and beta (zeros), and the running statistics mean
 * (zeros) and variance (ones), each [channels].
 *
 * In training (`ApplyContext.batch`) it uses the moments of the batch and reports what the running statistics become:
 * (1 - momentum) times what they were plus momentum times those of the batch, whose variance is then over n - 1 as in
 * PyTorch. In evaluation it uses the running statistics.
 *
 * @param momentum weight of the newest batch
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const { parameters } = nn.batchNorm("norm", 8);
 * parameters.map(({ name }) => name); // => ["norm.gamma", "norm.beta", "norm.mean", "norm.variance"]
 * parameters[2]!.role; // => "statistics"
 * ```
 */
export function batchNorm(name: string, channels: number, momentum = 0.1): Module {
  const gamma = parameter(name, "gamma", [channels], "normalization", ones);
  const beta = parameter(name, "beta", [channels], "normalization", zeros);
  const mean = parameter(name, "mean", [channels], "statistics", zeros);
  const variance = parameter(name, "variance", [channels], "statistics", ones);
  return {
    parameters: [gamma, beta, mean, variance],
    masks: [],
    apply(p, x, context) {
      const running = { mean: p[mean.name]!, variance: p[variance.name]! };
      const [scale, shift] = [p[gamma.name]!, p[beta.name]!];
      const batch = context?.batch;
      if (batch === undefined || batch.fixed?.has(mean.name) === true) return normalizeBy(x, running, scale, shift);
      const found = batchNormOf(x, batch.weights, scale, shift);
      const follow = (old: Tensor, now: Tensor) => add(mul(old, 1 - momentum), mul(now, momentum));
      batch.report(mean.name, follow(running.mean, found.mean));
      batch.report(variance.name, follow(running.variance, mul(found.variance, withoutBias(x, batch.weights))));
      return found.y;
    },
  };
}

/** n / (n - 1) for n values of each channel; 1 for a single value. Rows of weight 0 do not count: others weigh the same. */
function withoutBias(x: Tensor, weights: Tensor): Tensor {
  const positions = (x.shape.slice(2) as number[]).reduce((a, b) => a * b, 1);
  const n = div(positions, sum(square(weights)));
  return div(n, maximum(sub(n, 1), 1));
}
