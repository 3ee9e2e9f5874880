import { AnabranchError } from "../errors.ts";
import type { Dim, Shape } from "./types.ts";

/** A dimension as coefficient x symbol; the symbol is "" for a static extent. */
export function dimParts(dim: Dim): { coefficient: number; symbol: string } {
  if (typeof dim === "number") return { coefficient: dim, symbol: "" };
  const star = dim.indexOf("*");
  return star < 0
    ? { coefficient: 1, symbol: dim }
    : { coefficient: Number(dim.slice(0, star)), symbol: dim.slice(star + 1) };
}

function dim(coefficient: number, symbol: string): Dim {
  if (symbol === "" || coefficient === 0) return coefficient;
  return coefficient === 1 ? symbol : `${coefficient}*${symbol}`;
}

/** Equal numbers of elements, whatever the symbols stand for. */
export function sameSize(a: Shape, b: Shape): boolean {
  const key = (shape: Shape) => {
    const all = shape.map(dimParts);
    const symbols = all.map((p) => p.symbol).filter((s) => s !== "");
    return `${all.reduce((n, p) => n * p.coefficient, 1)} ${symbols.sort().join(" ")}`;
  };
  return key(a) === key(b);
}

/** Product of extents; at most one may be symbolic. */
export function product(shape: Shape): Dim {
  let coefficient = 1;
  let symbol = "";
  for (const d of shape) {
    const p = dimParts(d);
    if (p.symbol !== "" && symbol !== "") {
      throw new AnabranchError({
        code: "engine/symbolic-dimension",
        message: "two symbolic dimensions cannot be multiplied",
        received: formatShape(shape),
        expected: "at most one symbolic dimension in a merged group",
        advice: "Merge other axes, or give one of the dimensions as a number.",
      });
    }
    coefficient *= p.coefficient;
    symbol = p.symbol || symbol;
  }
  return dim(coefficient, symbol);
}

/** Quotient of extents, or undefined where it is no whole number of the same symbol. */
export function quotient(numerator: Dim, denominator: Dim): Dim | undefined {
  const n = dimParts(numerator);
  const d = dimParts(denominator);
  if (d.coefficient === 0 || n.coefficient % d.coefficient !== 0) return undefined;
  if (d.symbol !== "" && d.symbol !== n.symbol) return undefined;
  return dim(n.coefficient / d.coefficient, d.symbol === "" ? n.symbol : "");
}

/** Extent of a static dimension; throws `engine/symbolic-dimension` for a symbolic one. */
export function staticDim(d: Dim, where: string): number {
  if (typeof d === "number") return d;
  throw new AnabranchError({
    code: "engine/symbolic-dimension",
    message: "this dimension must be static",
    where,
    received: d,
    expected: "a number",
    advice: "Only leading (batch, steps) dimensions may stay symbolic.",
  });
}

/** All extents as numbers. */
export function staticShape(shape: Shape, where: string): number[] {
  return shape.map((d) => staticDim(d, where));
}

/** Value of a dimension under the symbols bound at run time. */
export function resolveDim(d: Dim, symbols: ReadonlyMap<string, number>): number {
  const p = dimParts(d);
  if (p.symbol === "") return p.coefficient;
  const value = symbols.get(p.symbol);
  if (value === undefined) {
    throw new AnabranchError({
      code: "engine/symbolic-dimension",
      message: "a symbolic dimension has no value in this run",
      received: p.symbol,
      expected: "an input whose shape names the symbol on its own",
      advice: "Give the program an input with that dimension, not only with a multiple of it.",
    });
  }
  return p.coefficient * value;
}

/** NumPy broadcasting of two shapes, or undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    if (da === db || db === 1) out.push(da);
    else if (da === 1) out.push(db);
    else return undefined;
  }
  return out;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/**
 * A shape as errors show it; symbolic dimensions by their names.
 *
 * @example
 * ```ts
 * import { formatShape } from "@anabranch/engine";
 * formatShape(["N", 28, 28]); // => "[N, 28, 28]"
 * ```
 */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Axis counted from the front; negative axes count from the back. */
export function normalizeAxis(axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(front) && front >= 0 && front < rank) return front;
  throw new AnabranchError({
    code: "engine/axis",
    message: "axis out of range",
    received: String(axis),
    expected: `-${rank} <= axis < ${rank}`,
    advice: "Axes count from 0 at the front or from -1 at the back.",
  });
}
