/** A net of two dense layers on given rows, and the product's client task on given mini-batches of them. */
import { type HostTensor, type HostTensors, interpreter, loadProgram } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { compileEvaluation } from "../client/evaluation-task.ts";
import { compileLocalTask } from "../client/local-task.ts";
import { parameterInputs, vectorOutputs } from "../client/vectors.ts";
import { mlp } from "../models/mlp.ts";
import { layout } from "../params/layout.ts";
import { heldOf, joinParameters, partOf, splitParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";

const matrix = z.array(z.array(z.number()).min(1)).min(1);

/** Weights are [out, in], as in the cases. */
export const twoLayers = z.strictObject({
  W1: matrix,
  b1: z.array(z.number()),
  W2: matrix,
  b2: z.array(z.number()),
});
export type TwoLayers = z.infer<typeof twoLayers>;

/** Rows of examples, and their classes. */
export const labelledRows = { x: matrix, y: z.array(z.int().min(0)) };

interface Work {
  readonly parameters: TwoLayers;
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
  readonly learningRate: number;
  /** Rows of each step on the personal head, and of each step after them. */
  readonly first: readonly (readonly number[])[];
  readonly steps: readonly (readonly number[])[];
}

/** The net after one visit of a client whose head is personal, and its loss on all rows. */
export async function visit(method: Algorithm, work: Work): Promise<{ parameters: TwoLayers; loss: number }> {
  const { W1, W2 } = work.parameters;
  const model = mlp({ input: [W1[0]!.length], inputType: "float", hidden: [W1.length], classes: W2.length });
  const whole = layout(model.parameters);
  const split = splitParameters(whole, { personal: ["head"] });
  const values = flat(work.parameters);
  const held = heldOf(split, values)!;
  const batch = Math.max(...[...work.first, ...work.steps].map((rows) => rows.length));
  const settings = { batchSize: batch, gradientClip: 0, momentum: 0, nesterov: false, weightDecay: 0 };
  const payloads = method.payloads(split.shared);
  const { program } = compileLocalTask(method, model, payloads, settings, split);
  const shared = partOf(whole, values, split.shared);
  const data = dataOf(work);
  const outputs = await run(program, {
    ...parameterInputs("broadcast/parameters", shared, split.shared),
    ...parameterInputs("state/personal", held.personal, split.personal),
    ...data,
    ...batches("personalSteps", work.first, batch, work.learningRate),
    ...batches("steps", work.steps, batch, work.learningRate),
  });
  const make = (_name: string, length: number): Vector => new Float64Array(length);
  const { delta } = vectorOutputs(outputs, "update", { delta: split.shared }, make);
  const { personal } = vectorOutputs(outputs, "state", { personal: split.personal }, make);
  const trained = joinParameters(
    held,
    shared.map((value, i) => value + delta![i]!),
    personal,
  );
  const evaluated = await run(compileEvaluation(model, whole, work.y.length), {
    ...parameterInputs("parameters", trained, whole),
    ...data,
    indices: { dtype: "int32", shape: [1, work.y.length], data: Int32Array.from(work.y.keys()) },
  });
  const losses = Array.from(evaluated["losses"]!.data);
  return { parameters: nested(trained, work.parameters), loss: losses.reduce((a, b) => a + b, 0) / losses.length };
}

async function run(program: Parameters<typeof loadProgram>[1], inputs: HostTensors): Promise<HostTensors> {
  const loaded = await loadProgram(interpreter(), program);
  const names = new Set(program.inputs.map(({ name }) => name));
  const outputs = await loaded.run(Object.fromEntries(Object.entries(inputs).filter(([name]) => names.has(name))));
  await loaded.release();
  return outputs;
}

function dataOf({ x, y }: Work): HostTensors {
  return {
    "data/features": { dtype: "float", shape: [x.length, x[0]!.length], data: Float64Array.from(x.flat()) },
    "data/labels": { dtype: "uint8", shape: [y.length], data: Uint8Array.from(y) },
  };
}

function batches(prefix: string, rows: Work["first"], batch: number, rate: number): HostTensors {
  const [indices, weights] = [new Int32Array(rows.length * batch), new Float64Array(rows.length * batch)];
  for (const [step, of] of rows.entries()) {
    indices.set(of, step * batch);
    weights.fill(1 / of.length, step * batch, step * batch + of.length);
  }
  const float = (shape: number[], data: Float64Array): HostTensor => ({ dtype: "float", shape, data });
  return {
    [`${prefix}/indices`]: { dtype: "int32", shape: [rows.length, batch], data: indices },
    [`${prefix}/weights`]: float([rows.length, batch], weights),
    [`${prefix}/learningRate`]: float([rows.length], new Float64Array(rows.length).fill(rate)),
  };
}

/** In the order of the layout: dense1.bias, dense1.weight, dense2.bias, dense2.weight; weights [in, out]. */
function flat({ W1, b1, W2, b2 }: TwoLayers): Float64Array {
  return Float64Array.from([...b1, ...transposed(W1).flat(), ...b2, ...transposed(W2).flat()]);
}

function nested(values: Vector, like: TwoLayers): TwoLayers {
  const rest = Array.from(values);
  const take = (rows: number, columns: number) => Array.from({ length: rows }, () => rest.splice(0, columns));
  const [inputs, hidden, classes] = [like.W1[0]!.length, like.W1.length, like.W2.length];
  const b1 = rest.splice(0, hidden);
  const W1 = transposed(take(inputs, hidden));
  const b2 = rest.splice(0, classes);
  return { W1, b1, W2: transposed(take(hidden, classes)), b2 };
}

function transposed(rows: readonly (readonly number[])[]): number[][] {
  return rows[0]!.map((_, j) => rows.map((row) => row[j]!));
}
