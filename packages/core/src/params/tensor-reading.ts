import type { LayoutEntry } from "./layout.ts";

/** How a file lays out the weights of dense layers: "anabranch" [inputs, outputs], "pytorch" [outputs, inputs]. */
export type TensorLayout = "anabranch" | "pytorch";

/** Shapes of the tensors of a file, by name. */
export type TensorShapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/** How the tensors of a file become the parameters of a model. */
export interface TensorReading {
  /** Omitted: "anabranch", where a shape confirms it. */
  readonly layout?: TensorLayout | undefined;
  /** "order": layer by layer, with shapes checked; default "name". */
  readonly match?: "name" | "order" | undefined;
  /** Names in the file by name of a parameter or layer of the model. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

/** Start of the keys of the configuration that say how a file is read. */
export const SECTION = "model.initialWeights";

/** Names that PyTorch gives the parameters and buffers of normalization layers. */
const PYTORCH_PARTS: Readonly<Record<string, string>> = {
  gamma: "weight",
  beta: "bias",
  mean: "running_mean",
  variance: "running_var",
};

/** PyTorch counts the batches behind running statistics. With a fixed momentum nothing depends on it. */
export const COUNTER = "num_batches_tracked";

/** The name of a tensor without its last part: "fc1" of "fc1.weight". */
export function moduleOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

/** The last part of a parameter's name in such a file. */
export function partIn(entry: LayoutEntry, layout: TensorLayout): string {
  const part = entry.name.slice(entry.name.lastIndexOf(".") + 1);
  const normalizes = entry.role === "normalization" || entry.role === "statistics";
  return layout === "pytorch" && normalizes ? (PYTORCH_PARTS[part] ?? part) : part;
}

/** Whether it is the matrix of a dense layer, whose axes the layouts disagree on. Kernels are [out, in, h, w] in both. */
export function isDense({ role, shape }: LayoutEntry): boolean {
  return (role === "matrix" || role === "head") && shape.length === 2;
}

/** The shape of a parameter in such a file. */
export function fileShape(entry: LayoutEntry, layout: TensorLayout): readonly number[] {
  return layout === "pytorch" && isDense(entry) ? [...entry.shape].reverse() : entry.shape;
}
