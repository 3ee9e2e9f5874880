import { groupNorm as groupNormOf, layerNorm as layerNormOf } from "../ops/normalization.ts";
import { ones, zeros } from "./initializers.ts";
import { type Module, parameter } from "./module.ts";

/**
 * Layer normalization of the last axis [..., width]. Parameters gamma (ones) and beta (zeros), each [width].
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.layerNorm("norm", 8).parameters.map(({ name }) => name); // => ["norm.gamma", "norm.beta"]
 * ```
 */
export function layerNorm(name: string, width: number): Module {
  const gamma = parameter(name, "gamma", [width], "normalization", ones);
  const beta = parameter(name, "beta", [width], "normalization", zeros);
  return { parameters: [gamma, beta], masks: [], apply: (p, x) => layerNormOf(x, p[gamma.name]!, p[beta.name]!) };
}

/**
 * Group normalization of [N, channels, ...]. Parameters gamma (ones) and beta (zeros), each [channels].
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.groupNorm("norm", 8, 2).parameters.map(({ name }) => name); // => ["norm.gamma", "norm.beta"]
 * ```
 */
export function groupNorm(name: string, channels: number, groups: number): Module {
  const gamma = parameter(name, "gamma", [channels], "normalization", ones);
  const beta = parameter(name, "beta", [channels], "normalization", zeros);
  return {
    parameters: [gamma, beta],
    masks: [],
    apply: (p, x) => groupNormOf(x, groups, p[gamma.name]!, p[beta.name]!),
  };
}
