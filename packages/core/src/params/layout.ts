import { AnabranchError, hashText, type ParameterRole, type TensorType } from "@anabranch/engine";
import type { Vector } from "./vector.ts";

/** What a layout needs to know of a parameter; a model's `ParameterSpec` fits. */
export interface ParameterSpecLike {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: ParameterRole;
  /** The layer it belongs to; block-wise methods send whole blocks. */
  readonly block: string;
  /** Equal parts of the last axis that work apart: attention heads. Default 1. */
  readonly heads?: number;
}

/** One parameter and its place in the flat vector. */
export interface LayoutEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat vector, in elements. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  readonly role: ParameterRole;
  readonly block: string;
  readonly heads: number;
}

/** How a model's parameters lie in one flat vector [d]. */
export interface Layout {
  /** Sorted by name (UTF-16 code units), without gaps. */
  readonly entries: readonly LayoutEntry[];
  /** Names of the layers (`block` of the entries) in the order in which the model lists them. */
  readonly blocks: readonly string[];
  /** d, the length of the flat vector. */
  readonly size: number;
  /** Identity of names and shapes; vectors of different hashes are never combined. */
  readonly hash: string;
}

/**
 * The canonical layout of parameters: all but `blocks` is independent of the order in which they are given.
 * Throws `params/name`, `params/duplicate` or `params/shape`.
 *
 * @example
 * ```ts
 * import { layout } from "@anabranch/core";
 * const { size, entries } = layout([
 *   { name: "output.weight", shape: [2, 3], role: "matrix", block: "output" },
 *   { name: "output.bias", shape: [3], role: "vector", block: "output" },
 * ]);
 * size; // => 9
 * entries.map(({ name, offset }) => `${name} at ${offset}`); // => ["output.bias at 0", "output.weight at 3"]
 * ```
 */
export function layout(specs: readonly ParameterSpecLike[]): Layout {
  const entries: LayoutEntry[] = [];
  let offset = 0;
  for (const spec of [...specs].sort(byName)) {
    requireName(spec, entries.at(-1)?.name);
    const size = sizeOf(spec);
    entries.push({
      name: spec.name,
      shape: [...spec.shape],
      offset,
      size,
      role: spec.role,
      block: spec.block,
      heads: spec.heads ?? 1,
    });
    offset += size;
  }
  const hash = hashText(JSON.stringify(entries.map((entry) => [entry.name, entry.shape])));
  return { entries, blocks: [...new Set(specs.map(({ block }) => block))], size: offset, hash };
}

/**
 * The layout of some of a layout's entries: the same names and shapes, in a vector without gaps.
 *
 * @example
 * ```ts
 * import { layout, mlp, subLayout } from "@anabranch/core";
 * const whole = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
 * const first = subLayout(whole, ({ block }) => block === "dense1");
 * first.entries.map(({ name }) => name); // => ["dense1.bias", "dense1.weight"]
 * ```
 */
export function subLayout({ entries, blocks }: Layout, keep: (entry: LayoutEntry) => boolean): Layout {
  const kept = layout(entries.filter(keep));
  const present = new Set(kept.blocks);
  return { ...kept, blocks: blocks.filter((block) => present.has(block)) };
}

/**
 * The part of a flat vector [d] that holds one parameter, as a view [entry.size].
 *
 * @example
 * ```ts
 * import { entryView, layout, logistic } from "@anabranch/core";
 * const { entries, size } = layout(logistic({ input: [4], classes: 2 }).parameters);
 * const vector = Float32Array.from({ length: size }, (_, i) => i);
 * entryView(vector, entries[0]!); // => [0, 1]
 * ```
 */
export function entryView<V extends Vector>(vector: V, entry: LayoutEntry): V {
  return vector.subarray(entry.offset, entry.offset + entry.size) as V;
}

/**
 * Types of the parameters as traced tensors, by name.
 *
 * @example
 * ```ts
 * import { entryTypes, layout, logistic } from "@anabranch/core";
 * const types = entryTypes(layout(logistic({ input: [4], classes: 2 }).parameters));
 * types["linear.bias"]; // => { dtype: "float", shape: [2] }
 * ```
 */
export function entryTypes(layout: Layout): Record<string, TensorType> {
  return Object.fromEntries(layout.entries.map((e) => [e.name, { dtype: "float", shape: e.shape }]));
}

/**
 * Refuses parameters of another layout. Throws `params/layout`.
 *
 * @example
 * ```ts
 * import { layout, logistic, requireLayout } from "@anabranch/core";
 * const { hash } = layout(logistic({ input: [4], classes: 2 }).parameters);
 * requireLayout(hash, hash, "checkpoint"); // throws params/layout for another hash
 * ```
 */
export function requireLayout(expectedHash: string, gotHash: string, where: string): void {
  if (gotHash === expectedHash) return;
  throw new AnabranchError({
    code: "params/layout",
    message: "the parameters have other names or shapes than the model",
    where,
    received: `layout ${gotHash}`,
    expected: `layout ${expectedHash}`,
    advice: "Both sides must use the same model with the same options.",
  });
}

function byName(a: ParameterSpecLike, b: ParameterSpecLike): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function requireName(spec: ParameterSpecLike, previous: string | undefined): void {
  if (spec.name === "" || spec.name === "__proto__") {
    throw new AnabranchError({
      code: "params/name",
      message: "a parameter has no usable name",
      where: `block ${JSON.stringify(spec.block)}`,
      received: JSON.stringify(spec.name),
      expected: "a name such as dense1.weight",
    });
  }
  if (spec.name === previous) {
    throw new AnabranchError({
      code: "params/duplicate",
      message: "two parameters have the same name",
      where: spec.name,
      advice: "Give every layer of the model its own name.",
    });
  }
}

function sizeOf(spec: ParameterSpecLike): number {
  const size = spec.shape.reduce((product, extent) => product * extent, 1);
  const valid = spec.shape.every((extent) => Number.isSafeInteger(extent) && extent > 0);
  if (valid && Number.isSafeInteger(size)) return size;
  throw new AnabranchError({
    code: "params/shape",
    message: "a parameter has an impossible shape",
    where: spec.name,
    received: `[${spec.shape.join(", ")}]`,
    expected: "positive integers",
  });
}
