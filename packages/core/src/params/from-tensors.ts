import { AnabranchError } from "@anabranch/engine";
import type { Layout, LayoutEntry } from "./layout.ts";
import { isVariance } from "./statistics.ts";
import { tensorNames } from "./tensor-names.ts";
import { fileShape, isDense, SECTION, type TensorReading } from "./tensor-reading.ts";

/** Values of one parameter from a file. */
interface ParameterValues {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/**
 * The flat vector [d] of named tensors. Matched by name, other tensors are left aside.
 *
 * @param reading how the file names and lays out its tensors
 * @throws `params/missing`, `params/shape`, `params/not-finite`, `params/variance`, `params/ambiguous-layout`, and what `tensorNames` throws
 * @example parametersFrom(tensors, layout(model.parameters), { layout: "pytorch", names: { dense1: "fc1" } })
 */
export function parametersFrom(
  tensors: Readonly<Record<string, ParameterValues>>,
  layout: Layout,
  reading: TensorReading = {},
): Float32Array {
  const form = reading.layout ?? "anabranch";
  const names = tensorNames(tensors, layout, reading);
  const vector = new Float32Array(layout.size);
  for (const entry of layout.entries) {
    const name = names.get(entry.name)!;
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor === undefined) throw missing(name, entry, Object.keys(tensors));
    if (tensor.shape.join() !== fileShape(entry, form).join()) throw wrongShape(entry, name, tensor.shape, reading);
    const values = finiteValues(tensor, name);
    if (isVariance(entry) && values.some((value) => value < 0)) throw negativeVariance(name, Math.min(...values));
    vector.set(form === "pytorch" && isDense(entry) ? transposed(values, tensor.shape) : values, entry.offset);
  }
  return vector;
}

/**
 * Refuses weights whose layout no shape can confirm: dense layers that are all square fit either way.
 *
 * @throws `params/ambiguous-layout`
 */
export function requireKnownLayout(layout: Layout, reading: TensorReading): void {
  const dense = layout.entries.filter(isDense);
  if (reading.layout !== undefined || dense.length === 0) return;
  if (dense.some(({ shape: [rows, columns] }) => rows !== columns)) return;
  throw new AnabranchError({
    code: "params/ambiguous-layout",
    message: "the weights of dense layers are square, so their shapes do not show which axis is which",
    where: `${SECTION}, ${dense[0]!.name}`,
    received: `[${dense[0]!.shape.join(", ")}]`,
    expected: 'initialWeightsLayout = "pytorch" for [outputs, inputs], or "anabranch" for [inputs, outputs]',
    advice: "Set model.initialWeightsLayout.",
  });
}

/** [rows, columns] -> [columns, rows]. */
function transposed(values: Float32Array, [rows = 0, columns = 0]: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}

function finiteValues({ data }: ParameterValues, name: string): Float32Array {
  const values = Float32Array.from(data, Number);
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd < 0) return values;
  throw new AnabranchError({
    code: "params/not-finite",
    message: "the initial weights hold a number that is not finite",
    where: `${SECTION}, ${name}, element ${odd}`,
    received: String(values[odd]),
    expected: "finite numbers that fit float32",
    advice: "The run that wrote the file may have diverged; take an earlier checkpoint.",
  });
}

function negativeVariance(name: string, received: number): AnabranchError {
  return new AnabranchError({
    code: "params/variance",
    message: "a running variance of the initial weights is negative",
    where: `${SECTION}, ${name}`,
    received: String(received),
    expected: "at least 0",
    advice:
      "Something has changed the statistics of batch normalization as if they were weights. Save the model again.",
  });
}

function missing(name: string, entry: LayoutEntry, inFile: readonly string[]): AnabranchError {
  return new AnabranchError({
    code: "params/missing",
    message: "the initial weights lack a parameter of the model",
    where: name === entry.name ? SECTION : `${SECTION}, ${entry.name}`,
    received: inFile.slice(0, 20).join(", "),
    expected: name,
    advice:
      "Use a file saved from the same model, e.g. a run's model.safetensors. For other names see docs/pytorch-models.md.",
  });
}

function wrongShape(
  entry: LayoutEntry,
  name: string,
  shape: readonly number[],
  { layout = "anabranch" }: TensorReading,
): AnabranchError {
  const other = layout === "pytorch" ? "anabranch" : "pytorch";
  const isTransposed = isDense(entry) && shape.join() === fileShape(entry, other).join();
  return new AnabranchError({
    code: "params/shape",
    message: "a parameter of the initial weights has another shape",
    where: `${SECTION}, ${name}`,
    received: `[${shape.join(", ")}]`,
    expected: `[${fileShape(entry, layout).join(", ")}]`,
    ...(isTransposed && { advice: `This is the shape in the other layout: set initialWeightsLayout = "${other}".` }),
  });
}
