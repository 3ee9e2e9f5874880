import { gradients } from "../autodiff/gradient.ts";
import { AnabranchError } from "../errors.ts";
import type { Executor, HostTensors } from "../executor/executor.ts";
import { evaluateGraph, interpreter } from "../executor/interpreter.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Graph, Tensor } from "../graph/graph.ts";
import { formatShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import { type HostTensor, isTensorType, type Shape, type TensorType } from "../graph/types.ts";
import { largest } from "../linalg/extremes.ts";
import { sum } from "../ops/broadcast.ts";
import { add, mul } from "../ops/elementwise.ts";
import { compileProgram } from "../program/program.ts";
import { sample } from "./samples.ts";
import { record } from "./tally.ts";

export { type Descent, type DescentOptions, descend } from "./descend.ts";
export { host, sample } from "./samples.ts";
export { formatTally, type TallyEntry, tally } from "./tally.ts";

type Named<T> = Readonly<Record<string, T>>;

export interface GradientOptions {
  /** Inputs to differentiate by; default all float inputs. */
  readonly variables?: readonly string[];
  /** Check second derivatives too (default true). */
  readonly second?: boolean;
  /** Largest relative error (default 1e-6). */
  readonly tolerance?: number;
  /** Step of the difference quotients (default 1e-3); keep kinks farther away than twice this. */
  readonly step?: number;
}

/**
 * Compares first and second derivatives of `fn` with fourth-order central differences, in float64 on the interpreter.
 * A non-scalar result is reduced to sum(c y + y^2 / 2) with fixed weights c, so that cotangents vary with the inputs and
 * second derivatives pass through gradient rules both ways.
 *
 * @example
 * ```ts
 * import { checkGradients, sample } from "@anabranch/engine/testing";
 * import { tanh, where } from "@anabranch/engine";
 * // throws where a derivative differs from finite differences
 * checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
 * ```
 */
export function checkGradients(
  name: string,
  fn: (inputs: Record<string, Tensor>) => Tensor,
  inputs: Named<HostTensor>,
  options: GradientOptions = {},
): void {
  const variables = options.variables ?? Object.keys(inputs).filter((k) => inputs[k]!.dtype === "float");
  const loss = (x: Record<string, Tensor>) => reduceToScalar(fn(x));
  const byVariable = (scalar: Tensor, x: Record<string, Tensor>) => gradients(scalar, only(x, variables));
  const first = traceNamed((x) => ({ value: loss(x), by: byVariable(loss(x), x) }), inputs);
  compareWithDifferences("first derivative", name, first, inputs, options);
  if (options.second === false) return;
  const directional = (x: Record<string, Tensor>) => {
    const by = byVariable(loss(x), x);
    const terms = variables.map((k, i) => sum(mul(by[k]!, fixed(by[k]!.shape, 11 + i))));
    return terms.reduce((a, b) => add(a, b));
  };
  const second = traceNamed((x) => ({ value: directional(x), by: byVariable(directional(x), x) }), inputs);
  compareWithDifferences("second derivative", name, second, inputs, options);
}

/** `graph` returns a scalar "value" and its gradients "by/NAME"; each gradient is compared with difference quotients. */
function compareWithDifferences(
  kind: "first derivative" | "second derivative",
  name: string,
  graph: Graph,
  inputs: Named<HostTensor>,
  { tolerance = 1e-6, step = 1e-3 }: GradientOptions,
): void {
  const run = (values: Named<HostTensor>) =>
    evaluateGraph(
      graph,
      graph.inputs.map((i) => values[i.name]!),
    );
  const value = graph.outputs.findIndex((o) => o.name === "value");
  const valueGraph: Graph = { inputs: graph.inputs, outputs: [graph.outputs[value]!] };
  const valueAt = (values: Named<HostTensor>) =>
    evaluateGraph(
      valueGraph,
      graph.inputs.map((i) => values[i.name]!),
    )[0]!.data[0]!;
  const analytic = run(inputs);
  for (const [i, output] of graph.outputs.entries()) {
    if (i === value) continue;
    const key = output.name.slice("by/".length);
    const at = inputs[key]!;
    const coordinates = someCoordinates(at.data.length);
    const numeric = coordinates.map((c) => {
      const shifted = (multiple: number) => {
        const data = Float64Array.from(at.data);
        data[c]! += multiple * step;
        return valueAt({ ...inputs, [key]: { ...at, data } });
      };
      return (8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * step);
    });
    const scale = largest([...numeric, ...analytic[i]!.data].map(Math.abs), 1e-3);
    const errors = coordinates.map((c, k) => Math.abs(analytic[i]!.data[c]! - numeric[k]!) / scale);
    const error = largest(errors);
    if (!(error <= tolerance)) {
      const worst = errors.findIndex((e) => e === error || Number.isNaN(e));
      throw new AnabranchError({
        code: "testing/gradient",
        message: `a ${kind} disagrees with difference quotients`,
        where: `${name}, by ${key}[${coordinates[worst]}]`,
        received: `${analytic[i]!.data[coordinates[worst]!]}, relative error ${error.toExponential(1)}`,
        expected: `${numeric[worst]}`,
      });
    }
    record(kind, `${name} by ${key}`, error);
  }
}

export interface ExecutorOptions {
  /** Compare the gradients by all float inputs too (default: where `fn` returns one float tensor). */
  readonly gradients?: boolean;
  /** Largest error as a share of the output's maximum (default 1e-5). */
  readonly tolerance?: number;
  /** Traced shapes of inputs that have symbolic dimensions. */
  readonly shapes?: Named<Shape>;
  /** What to compare with the interpreter; default onnxruntime-node. */
  readonly executor?: Executor;
}

let native: Promise<Executor> | undefined;

/**
 * Compares what an executor computes (and the gradients it computes) with the interpreter.
 *
 * @example
 * ```ts
 * import { checkExecutor, sample } from "@anabranch/engine/testing";
 * import { interpreter, tanh, where } from "@anabranch/engine";
 * // throws where ONNX Runtime and the interpreter differ
 * await checkExecutor("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
 * ```
 */
export async function checkExecutor(
  name: string,
  fn: (inputs: Record<string, Tensor>) => TensorTree,
  inputs: Named<HostTensor>,
  options: ExecutorOptions = {},
): Promise<void> {
  const withGradients = (x: Record<string, Tensor>): TensorTree => {
    const value = fn(x);
    if (!isTensorType(value) || (value as Tensor).dtype !== "float" || options.gradients === false) return { value };
    const floats = Object.keys(x).filter((k) => x[k]!.dtype === "float");
    return { value, by: gradients(reduceToScalar(value as Tensor), only(x, floats)) };
  };
  const program = compileProgram(name, traceNamed(withGradients, inputs, options.shapes));
  native ??= onnxruntimeNode();
  const expected = await runOn(interpreter(), program, inputs);
  const actual = await runOn(options.executor ?? (await native), program, inputs);
  const range = largest(program.outputs.map((o) => maximum(expected[o.name]!)));
  for (const { name: output, shape } of program.outputs) {
    const [a, e] = [actual[output]!, expected[output]!];
    const exact = e.dtype !== "float";
    const scale = exact ? 1 : Math.max(maximum(e), 1e-2 * range, Number.MIN_VALUE);
    const error = Array.from(e.data, (v, i) => distance(v, a.data[i]!) / scale).reduce((x, y) => Math.max(x, y), 0);
    const inferred = shape.map((d, axis) => (typeof d === "number" ? d : e.shape[axis]!));
    const sameShape = [a.shape, inferred].every((s) => formatShape(s) === formatShape(e.shape));
    if (!(error <= (exact ? 0 : (options.tolerance ?? 1e-5))) || !sameShape) {
      throw new AnabranchError({
        code: "testing/executor",
        message: "an executor disagrees with the interpreter",
        where: `${name}, output ${output}`,
        received: `${formatShape(a.shape)} ${a.data.slice(0, 8).join(", ")}; error ${error.toExponential(1)} of the maximum`,
        expected: `${formatShape(e.shape)} ${e.data.slice(0, 8).join(", ")}`,
        advice: "Compare the operator's lower with its evaluate.",
      });
    }
    record("executor", `${name}, ${output}`, error);
  }
}

async function runOn(executor: Executor, program: Parameters<Executor["load"]>[0], inputs: Named<HostTensor>) {
  const narrow = (t: HostTensor): HostTensor =>
    t.dtype === "float" && executor.float === "float32" ? { ...t, data: Float32Array.from(t.data) } : t;
  const fed: HostTensors = Object.fromEntries(program.inputs.map((p) => [p.name, narrow(inputs[p.name]!)]));
  const executable = await executor.load(program);
  try {
    return await executable.run(fed);
  } finally {
    await executable.release();
  }
}

function traceNamed(
  fn: (x: Record<string, Tensor>) => TensorTree,
  inputs: Named<HostTensor>,
  shapes: Named<Shape> = {},
) {
  const types = Object.fromEntries(
    Object.entries(inputs).map(([k, t]): [string, TensorType] => [k, { dtype: t.dtype, shape: shapes[k] ?? t.shape }]),
  );
  return trace(fn as (x: unknown) => TensorTree, types);
}

function only(x: Record<string, Tensor>, names: readonly string[]): Record<string, Tensor> {
  return Object.fromEntries(names.map((k) => [k, x[k]!]));
}

function reduceToScalar(y: Tensor): Tensor {
  return sum(mul(y, add(fixed(y.shape, 3), mul(y, 0.5))));
}

/** Constant weights that broadcast to a shape. */
function fixed(shape: Shape, seed: number): Tensor {
  const extents = shape.map((d) => (typeof d === "number" ? d : 1));
  return constant(sample(extents, { seed }).data, extents);
}

/** All coordinates of small inputs, an even spread of larger ones. */
function someCoordinates(size: number): number[] {
  const count = Math.min(size, 24);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
}

/** |a - b|; equal infinities and two NaN are no distance apart. */
function distance(a: number, b: number): number {
  return Object.is(a, b) ? 0 : Math.abs(a - b);
}

function maximum(t: HostTensor): number {
  return Array.from(t.data, Math.abs).reduce((a, b) => Math.max(a, b), 0);
}
