import { add } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { normal } from "./initializers.ts";
import { type Module, parameter } from "./module.ts";

/**
 * Rows of a table by index: int32 [...] -> [..., width]. Parameter weight [rows, width], normal of deviation 0.02.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * const layer = nn.embedding("token", 3, 2);
 * const table = { "token.weight": constant([0, 0, 1, 1, 2, 2], [3, 2]) };
 * evaluate(layer.apply(table, constant([2, 0], [2], "int32"))).data; // => [2, 2, 0, 0]
 * ```
 */
export function embedding(name: string, rows: number, width: number): Module {
  const weight = parameter(name, "weight", [rows, width], "embedding", normal(0.02));
  return { parameters: [weight], masks: [], apply: (p, indices) => gather(p[weight.name]!, indices) };
}

/**
 * Adds a learned vector to each position: [N, length, width]. Parameter weight [length, width].
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.positionEmbedding("position", 16, 8).parameters[0]!.shape; // => [16, 8]
 * ```
 */
export function positionEmbedding(name: string, length: number, width: number): Module {
  const weight = parameter(name, "weight", [length, width], "embedding", normal(0.02));
  return { parameters: [weight], masks: [], apply: (p, x) => add(x, p[weight.name]!) };
}
