import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradient.ts";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { HostTensor, TensorType } from "../graph/types.ts";
import { host, sample } from "../testing/check.ts";
import { record } from "../testing/tally.ts";
import { gelu, sigmoid, silu, tanh } from "./activations.ts";
import { sum } from "./broadcast.ts";
import { conv2d } from "./convolution.ts";
import { add, div, exp, log, mul, pow, square } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { matmul } from "./matmul.ts";
import { standardize } from "./normalization.ts";
import { concat, slice } from "./pieces.ts";
import { max, mean } from "./reductions.ts";
import { maximum } from "./selection.ts";
import { transpose } from "./shape.ts";
import { logSoftmax, softmax } from "./softmax.ts";

// An independent implementation as second opinion. Its arrays are reference-counted: every use but the last is `.ref`.
type Jax = typeof import("@jax-js/jax");
type JaxArray = InstanceType<Jax["Array"]>;

async function loadJax(): Promise<Jax | undefined> {
  try {
    const jax = await import("@jax-js/jax");
    const devices = await jax.init("wasm");
    if (!devices.includes("wasm")) throw new Error(`only ${devices.join(", ")} available`);
    jax.defaultDevice("wasm");
    return jax;
  } catch (cause) {
    console.log(`skipped: jax-js does not start (${cause instanceof Error ? cause.message : String(cause)})`);
    return undefined;
  }
}

const jax = await loadJax();

interface Case {
  readonly name: string;
  readonly ours: (...x: Tensor[]) => Tensor;
  readonly theirs: (jax: Jax, ...x: JaxArray[]) => JaxArray;
  readonly inputs: readonly HostTensor[];
}

const matrix = sample([3, 4], { scale: 2 });
const positive = sample([3, 4], { scale: 0.5, shift: 1, seed: 2 });
const row = sample([4], { seed: 3 });
const image = sample([2, 3, 5, 5], { seed: 4 });
const kernel = sample([4, 3, 3, 3], { seed: 5 });

const cases: Case[] = [
  { name: "add with broadcasting", ours: add, theirs: ({ numpy }, a, b) => numpy.add(a, b), inputs: [matrix, row] },
  {
    name: "mul with broadcasting",
    ours: mul,
    theirs: ({ numpy }, a, b) => numpy.multiply(a, b),
    inputs: [row, matrix],
  },
  { name: "div", ours: div, theirs: ({ numpy }, a, b) => numpy.divide(a, b), inputs: [matrix, positive] },
  { name: "pow", ours: pow, theirs: ({ numpy }, a, b) => numpy.pow(a, b), inputs: [positive, matrix] },
  { name: "maximum", ours: maximum, theirs: ({ numpy }, a, b) => numpy.maximum(a, b), inputs: [matrix, row] },
  { name: "exp", ours: exp, theirs: ({ numpy }, x) => numpy.exp(x), inputs: [matrix] },
  { name: "log", ours: log, theirs: ({ numpy }, x) => numpy.log(x), inputs: [positive] },
  { name: "tanh", ours: tanh, theirs: ({ numpy }, x) => numpy.tanh(x), inputs: [matrix] },
  { name: "sigmoid", ours: sigmoid, theirs: ({ nn }, x) => nn.sigmoid(x), inputs: [matrix] },
  { name: "silu", ours: silu, theirs: ({ nn }, x) => nn.silu(x), inputs: [matrix] },
  { name: "gelu", ours: gelu, theirs: ({ nn }, x) => nn.gelu(x, { approximate: false }), inputs: [matrix] },
  { name: "mean", ours: (x) => mean(x, [0]), theirs: ({ numpy }, x) => numpy.mean(x, 0), inputs: [matrix] },
  {
    name: "max with ties",
    ours: (x) => max(x, [1]),
    theirs: ({ numpy }, x) => numpy.max(x, 1),
    inputs: [host("float", [2, 4], [1, 3, 3, 2, 5, 5, 5, 5])],
  },
  {
    name: "transpose, slice and concat",
    ours: (x) => concat([slice(transpose(x, [1, 0]), [1, 0], [3, 3]), transpose(x, [1, 0])], 0),
    theirs: ({ numpy }, x) => {
      const t = numpy.transpose(x);
      return numpy.concatenate([t.ref.slice([1, 3]), t], 0);
    },
    inputs: [matrix],
  },
  {
    name: "gather",
    ours: (x) => gather(x, gatherRows()),
    theirs: ({ numpy }, x) => numpy.take(x, numpy.array([2, 0, 2], { dtype: numpy.int32 }), 0),
    inputs: [matrix],
  },
  { name: "softmax", ours: (x) => softmax(x), theirs: ({ nn }, x) => nn.softmax(x, -1), inputs: [matrix] },
  { name: "logSoftmax", ours: (x) => logSoftmax(x), theirs: ({ nn }, x) => nn.logSoftmax(x, -1), inputs: [matrix] },
  {
    name: "standardize",
    ours: (x) => standardize(x, 1, 1e-5),
    theirs: ({ nn }, x) => nn.standardize(x, -1, { epsilon: 1e-5 }),
    inputs: [matrix],
  },
  {
    name: "matmul",
    ours: (a, b) => matmul(a, b, { transposeB: true }),
    theirs: ({ numpy }, a, b) => numpy.matmul(a, numpy.transpose(b)),
    inputs: [matrix, positive],
  },
  {
    name: "conv2d",
    ours: (x, w) => conv2d(x, w, { stride: 2, padding: 1 }),
    theirs: ({ lax }, x, w) =>
      lax.convGeneralDilated(
        x,
        w,
        [2, 2],
        [
          [1, 1],
          [1, 1],
        ],
      ),
    inputs: [image, kernel],
  },
];

function gatherRows(): Tensor {
  return constant([2, 0, 2], [3], "int32");
}

/** Fixed weights: without them the sum of a softmax or of standardized values would have no gradient. */
function weightsOf(shape: readonly number[]): HostTensor {
  return sample(shape, { seed: 11 });
}

/** Value y and the gradients of sum(weights y + y^2 / 2). */
function evaluateOurs({ ours, inputs }: Case): number[][] {
  const types = Object.fromEntries(
    inputs.map((t, i): [string, TensorType] => [`${i}`, { dtype: "float", shape: t.shape }]),
  );
  const fn = (x: Record<string, Tensor>): TensorTree => {
    const y = ours(...inputs.map((_, i) => x[`${i}`]!));
    const weights = constant(weightsOf(y.shape as number[]).data, y.shape as number[]);
    return { by: gradients(sum(add(mul(y, weights), mul(square(y), 0.5))), x), y };
  };
  const graph = trace(fn as (x: unknown) => TensorTree, types);
  const results = evaluateGraph(graph, inputs);
  const named = new Map(graph.outputs.map((o, i) => [o.name, Array.from(results[i]!.data)]));
  return [named.get("y")!, ...inputs.map((_, i) => named.get(`by/${i}`)!)];
}

function evaluateTheirs(jax: Jax, { theirs, inputs }: Case): number[][] {
  const array = (t: HostTensor) => jax.numpy.array(Float32Array.from(t.data)).reshape([...t.shape]);
  const arrays = () => inputs.map(array);
  const loss = (...x: JaxArray[]) => {
    const y = theirs(jax, ...x);
    const weights = array(weightsOf(y.shape));
    return y.ref.mul(weights).add(y.ref.mul(y).mul(0.5)).sum();
  };
  const y = Array.from(theirs(jax, ...arrays()).dataSync());
  const by = jax.grad(loss, { argnums: inputs.map((_, i) => i) })(...arrays()) as JaxArray[];
  return [y, ...by.map((g) => Array.from(g.dataSync()))];
}

describe.skipIf(jax === undefined)("jax-js agrees", () => {
  it.each(cases)("on $name and its gradients", (example) => {
    const ours = evaluateOurs(example);
    const theirs = evaluateTheirs(jax!, example);
    expect(theirs.map((v) => v.length)).toEqual(ours.map((v) => v.length));
    for (const [k, values] of ours.entries()) {
      const scale = Math.max(...values.map(Math.abs));
      const error = Math.max(...values.map((v, i) => Math.abs(v - theirs[k]![i]!))) / scale;
      expect(error).toBeLessThan(1e-5);
      record("jax-js", example.name, error);
    }
  });
});
