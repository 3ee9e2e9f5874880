import type { Vector } from "./plain.ts";

/** Tensors by name: numbers in arrays in arrays. */
type Nested = readonly (number | Nested)[];
export type Tensors = Readonly<Record<string, Nested>>;

const numbersOf = (x: Nested): Vector => x.flatMap((part) => (typeof part === "number" ? [part] : numbersOf(part)));

/** All elements, tensor by tensor. */
export const flat = (tensors: Tensors): Vector => Object.values(tensors).flatMap(numbersOf);

/** Values in the shapes of the tensors that a flat vector was made of. */
export function shaped(values: Vector, like: Tensors): Tensors {
  let next = 0;
  const fill = (x: Nested): Nested => x.map((part) => (typeof part === "number" ? values[next++]! : fill(part)));
  return Object.fromEntries(Object.entries(like).map(([name, x]) => [name, fill(x)]));
}

/** Places of each tensor's elements in the flat vector. */
export function places(tensors: Tensors): number[][] {
  let next = 0;
  return Object.values(tensors).map((x) => numbersOf(x).map(() => next++));
}

/** fn of each tensor's elements, in one flat vector. */
export function eachTensor(values: Vector, like: Tensors, fn: (part: Vector, tensor: number) => Vector): Vector {
  return places(like).flatMap((part, tensor) =>
    fn(
      part.map((j) => values[j]!),
      tensor,
    ),
  );
}
