/** Small networks of dense layers that attacks train for themselves. */
import { add, type Executor, matmul, type Program, type Tensor } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs, vectorOutputs } from "../client/vectors.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import { deriveKey, type RandomStream, randomStream, rootKey } from "../random/index.ts";
import { HostAdam } from "../simulation/host-adam.ts";
import { executorFloats } from "./executor-floats.ts";

/** The layers between given widths, `layer0` first. */
export function denseLayers(widths: readonly number[]): Layout {
  return layout(
    widths.slice(1).flatMap((outputs, i) => [
      { name: `layer${i}.weight`, shape: [widths[i]!, outputs], role: "matrix" as const, block: `layer${i}` },
      { name: `layer${i}.bias`, shape: [outputs], role: "vector" as const, block: `layer${i}` },
    ]),
  );
}

/** Layer `index` of x [n, inputs]. */
export function denseLayer(parameters: ParameterTensors, index: number, x: Tensor): Tensor {
  return add(matmul(x, parameters[`layer${index}.weight`]!), parameters[`layer${index}.bias`]!);
}

/** Rows of a table as one input of a program, [rows, width]. */
export function rowsOf(table: readonly Float64Array[], rows: readonly number[], executor: Executor) {
  const width = table[0]!.length;
  const data = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) data.set(table[row]!, i * width);
  return { dtype: "float", shape: [rows.length, width], data: executorFloats(executor, data) } as const;
}

/** Examples of a training step. */
export const BATCH = 64;
const RATE = 2e-3;

/**
 * Trains dense layers from N(0, 2 / inputs) by Adam on random batches of tables that belong together row by row.
 *
 * @param program takes `parameters` and a batch of each table by its name, and gives their gradient as `slopes/slope`
 */
export async function trainLayers(
  of: Layout,
  program: Program,
  tables: Readonly<Record<string, readonly Float64Array[]>>,
  executor: Executor,
  { steps, seed, purpose }: { readonly steps: number; readonly seed: number; readonly purpose: string },
): Promise<Float64Array> {
  const streamOf = (...path: string[]): RandomStream =>
    randomStream(deriveKey(rootKey(seed), "audit", purpose, ...path));
  const parameters = new Float64Array(of.size);
  for (const entry of of.entries.filter(({ role }) => role === "matrix")) {
    const stream = streamOf(entry.name);
    const view = entryView(parameters, entry);
    for (let i = 0; i < view.length; i++) view[i] = stream.normal() * Math.sqrt(2 / entry.shape[0]!);
  }
  const adam = new HostAdam(parameters);
  const training = await executor.load(program);
  const stream = streamOf("batches");
  const count = Object.values(tables)[0]!.length;
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: BATCH }, () => stream.below(count));
    const batches = Object.entries(tables).map(([name, table]) => [name, rowsOf(table, rows, executor)] as const);
    const inputs = parameterInputs("parameters", executorFloats(executor, parameters), of);
    const outputs = await training.run({ ...inputs, ...Object.fromEntries(batches) });
    const { slope } = vectorOutputs(outputs, "slopes", { slope: of }, (_, length) => new Float64Array(length));
    adam.step(slope!, step < 0.7 * steps ? RATE : RATE / 10);
  }
  await training.release();
  return parameters;
}
