import type { Tensor } from "@anabranch/engine";
import type { CodecSpec } from "../codecs/index.ts";
import { Contract, describe, isRecord } from "../config/contract.ts";
import { type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Aggregation, ParameterTensors } from "./algorithm.ts";

/** A vector with the layout of the model's parameters, [d]. */
export interface ModelShape {
  readonly kind: "model";
}
/** A single number: a number on the server, a scalar tensor on a client. */
export interface ScalarShape {
  readonly kind: "scalar";
}
/** A vector with a layout of its own, which may depend on the model's. */
export interface OwnShape {
  readonly kind: "own";
  layoutOf(model: Layout): Layout;
}
export type Shape = ModelShape | ScalarShape | OwnShape;

/**
 * The shape of a vector as long as the model's parameters, [d].
 *
 * @example
 * ```ts
 * import { MODEL } from "@anabranch/core";
 * MODEL; // => { kind: "model" }
 * ```
 */
export const MODEL: ModelShape = { kind: "model" };
/**
 * The shape of a single number, [].
 *
 * @example
 * ```ts
 * import { SCALAR } from "@anabranch/core";
 * SCALAR; // => { kind: "scalar" }
 * ```
 */
export const SCALAR: ScalarShape = { kind: "scalar" };
/**
 * A vector with the given layout, or with one that follows from the model's and is made once for each model.
 *
 * @example
 * ```ts
 * import { ownLayout, subLayout } from "@anabranch/core";
 * const halves = ownLayout((model) => subLayout(model, ({ role }) => role === "matrix"));
 * halves.kind; // => "own"
 * ```
 */
export function ownLayout(of: Layout | ((model: Layout) => Layout)): OwnShape {
  if (typeof of !== "function") return { kind: "own", layoutOf: () => of };
  const made = new WeakMap<Layout, Layout>();
  return {
    kind: "own",
    layoutOf(model) {
      const own = made.get(model) ?? of(model);
      made.set(model, own);
      return own;
    },
  };
}

/** Vectors of a method by name. One whose shape is undefined does not exist: what is given for it is dropped. */
export type Shapes = Readonly<Record<string, Shape | undefined>>;

/** Vectors of a server. */
export type ServerShapes = Shapes & { readonly parameters: Shape };

type Absent<T> = undefined extends T ? undefined : never;
/** The vectors as the server half sees them. */
export type ServerValues<S extends Shapes> = {
  readonly [N in keyof S]: (NonNullable<S[N]> extends ScalarShape ? number : Vector) | Absent<S[N]>;
};
/** The vectors as the traced client half sees them. */
export type ClientValues<S extends Shapes> = {
  readonly [N in keyof S]: (NonNullable<S[N]> extends ScalarShape ? Tensor : ParameterTensors) | Absent<S[N]>;
};

/** An uploaded vector: its shape, how uploads become one vector, and `Upload`'s options. */
export interface UploadShape<S extends Shape | undefined = Shape | undefined> {
  readonly shape: S;
  readonly aggregation: Aggregation;
  readonly drift?: boolean | undefined;
  readonly places?: boolean | undefined;
  readonly classStatistics?: boolean | undefined;
  readonly codec?: CodecSpec | undefined;
}
export type UploadShapes = Readonly<Record<string, UploadShape>>;
/** The shapes alone. */
export type ShapesOf<U extends UploadShapes> = { readonly [N in keyof U]: U[N]["shape"] };

type UploadOptions = Pick<UploadShape, "drift" | "places" | "classStatistics" | "codec">;
const aggregated =
  (aggregation: Aggregation) =>
  <S extends Shape | undefined>(...given: readonly [shape: S, options?: UploadOptions]): UploadShape<S> => {
    const [shape, options] = given;
    const declared = { shape, aggregation, ...options };
    // a shape that was forgotten is a mistake, an undefined one a vector that does not exist
    if (!(given.length > 0)) Reflect.deleteProperty(declared, "shape");
    return declared;
  };

/**
 * Uploads become their mean by the public weights of the updates.
 *
 * @example
 * ```ts
 * import { MODEL, weightedMean } from "@anabranch/core";
 * weightedMean(MODEL).aggregation; // => "weightedMean"
 * ```
 */
export const weightedMean = aggregated("weightedMean");
/**
 * Uploads become their mean; every client counts the same.
 *
 * @example
 * ```ts
 * import { MODEL, uniformMean } from "@anabranch/core";
 * uniformMean(MODEL).aggregation; // => "uniformMean"
 * ```
 */
export const uniformMean = aggregated("uniformMean");
/**
 * Uploads are added.
 *
 * @example
 * ```ts
 * import { SCALAR, sum } from "@anabranch/core";
 * sum(SCALAR).aggregation; // => "sum"
 * ```
 */
export const sum = aggregated("sum");

/** Uploads stay side by side, [updates, size], in the order of `RoundContext.clients`. */
export const each = aggregated("each");

/** The layout of a vector called `name`. Throws `method/shape`. */
export function layoutOf(name: string, shape: Shape, model: Layout): Layout {
  switch (shape.kind) {
    case "model":
      return model;
    case "scalar":
      return layout([{ name, shape: [], role: "vector", block: name }]);
    case "own": {
      const own: unknown = shape.layoutOf(model);
      if (isLayout(own)) return own;
      const expected = "a layout, as layout([...]) makes it";
      throw new Contract("method").breach("shape", "ownLayout gives no layout", name, describe(own), expected);
    }
  }
}

export function isLayout(value: unknown): value is Layout {
  return isRecord(value) && Array.isArray(value["entries"]) && typeof value["size"] === "number";
}

/** Names and shapes of the vectors that exist. */
export function present(shapes: Shapes): (readonly [name: string, shape: Shape])[] {
  return Object.entries(shapes).flatMap(([name, shape]) => (shape === undefined ? [] : [[name, shape] as const]));
}
