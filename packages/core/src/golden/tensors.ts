import * as z from "zod";
import { type Layout, layout } from "../params/layout.ts";

/** A tensor as nested lists, row-major: a number, a list of numbers, a list of lists, ... */
export interface NestedList extends ReadonlyArray<Nested> {}
export type Nested = number | NestedList;

/** Nested lists of numbers. */
export const nested: z.ZodType<Nested> = z.lazy(() => z.union([z.number(), z.array(nested)]));
/** Tensors by name. */
export const tensors = z.record(z.string(), nested);
export type Tensors = Readonly<Record<string, Nested>>;

/** The layout of named tensors. */
export function layoutOf(named: Tensors): Layout {
  return layout(
    Object.entries(named).map(([name, value]) => ({ name, shape: shapeOf(value), role: "vector", block: name })),
  );
}

/** Named tensors as one vector [d] in a layout. */
export function flatten(named: Tensors, { entries, size }: Layout): Float64Array {
  const flat = new Float64Array(size);
  for (const { name, offset } of entries) flat.set(numbersOf(named[name]!), offset);
  return flat;
}

/** A vector [d] as named tensors with the shapes of `like`. */
export function unflatten(vector: ArrayLike<number>, { entries }: Layout, like: Tensors): Tensors {
  const named = entries.map(({ name, offset, size }): [string, Nested] => {
    const values = Array.from({ length: size }, (_, i) => vector[offset + i]!);
    return [name, reshaped(values, like[name]!)];
  });
  return Object.fromEntries(named);
}

/** Extents of nested lists. */
export function shapeOf(value: Nested): number[] {
  return typeof value === "number" ? [] : [value.length, ...shapeOf(value[0]!)];
}

/** Their numbers, row-major. */
export function numbersOf(value: Nested): number[] {
  return typeof value === "number" ? [value] : value.flatMap(numbersOf);
}

/** Takes values from the front into the shape of `like`. */
export function reshaped(values: number[], like: Nested): Nested {
  return typeof like === "number" ? values.shift()! : like.map((part) => reshaped(values, part));
}
