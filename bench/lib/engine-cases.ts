import {
  compileProgram,
  gather,
  type HostTensor,
  type Module,
  mean,
  nn,
  type Program,
  scan,
  sgd,
  softmaxCrossEntropy,
  square,
  sub,
  type Tensor,
  type TensorTree,
  type TypeTree,
  takeStep,
  trace,
  valueAndGrad,
} from "@anabranch/engine";

/** A model whose whole training step (forward, backward, SGD) is timed. */
export interface EngineCase {
  readonly name: string;
  readonly model: Module;
  /** Shape of one example. */
  readonly shape: readonly number[];
  readonly batch: number;
  /** True floating-point operations of a step, in 10^9; bias, activations and updates are not counted. */
  readonly gflop: number;
  /** "classes": cross-entropy over 10 classes; "same": mean square distance to the input. */
  readonly loss: "classes" | "same";
}

const flatten = nn.flatten;

export const engineCases: readonly EngineCase[] = [
  {
    name: "mlp",
    model: nn.sequential(nn.dense("d1", 784, 200), nn.relu, nn.dense("d2", 200, 10)),
    shape: [784],
    batch: 50,
    gflop: 0.032,
    loss: "classes",
  },
  {
    name: "cnn",
    model: nn.sequential(
      ...[nn.conv2d("c1", 1, 32, 5, { padding: 2 }), nn.relu, nn.maxPool(2)],
      ...[nn.conv2d("c2", 32, 64, 5, { padding: 2 }), nn.relu, nn.maxPool(2), flatten],
      ...[nn.dense("d1", 3136, 512), nn.relu, nn.dense("d2", 512, 10)],
    ),
    shape: [1, 28, 28],
    batch: 50,
    gflop: 3.62,
    loss: "classes",
  },
  {
    name: "vit",
    model: nn.transformerBlock("b", { width: 192, heads: 3 }),
    shape: [65, 192],
    batch: 32,
    gflop: 5.83,
    loss: "same",
  },
  {
    name: "w1",
    model: nn.sequential(
      ...[nn.conv2d("c1", 3, 32, 3), nn.relu, nn.conv2d("c2", 32, 64, 3), nn.relu, nn.maxPool(2)],
      ...[nn.dropout("m1", [64, 14, 14], 0.25), flatten, nn.dense("d1", 12544, 128), nn.relu],
      ...[nn.dropout("m2", [128], 0.5), nn.dense("d2", 128, 10)],
    ),
    shape: [3, 32, 32],
    batch: 10,
    gflop: 1.0,
    loss: "classes",
  },
];

/** Number of minibatches in the data set that the steps cycle through. */
const minibatches = 5;

function types(c: EngineCase, steps: readonly "K"[]): TypeTree {
  const masks = c.model.masks.map((m): [string, TypeTree] => {
    const bytes = Math.ceil(m.shape.reduce((a, b) => a * b, 1) / 8);
    return [m.name, { dtype: "uint8", shape: [...steps, c.batch, bytes] }];
  });
  return {
    parameters: Object.fromEntries(c.model.parameters.map((p) => [p.name, { dtype: "float", shape: p.shape }])),
    features: { dtype: "float", shape: ["rows", ...c.shape] },
    labels: { dtype: "int32", shape: ["rows"] },
    learningRate: { dtype: "float", shape: [] },
    slice: { index: { dtype: "int32", shape: [...steps, c.batch] }, masks: Object.fromEntries(masks) },
  } as TypeTree;
}

interface Inputs {
  readonly parameters: Record<string, Tensor>;
  readonly features: Tensor;
  readonly labels: Tensor;
  readonly learningRate: Tensor;
  readonly slice: { readonly index: Tensor; readonly masks: Record<string, Tensor> };
}

function step(c: EngineCase, inputs: Inputs, parameters: Record<string, Tensor>, slice: Inputs["slice"]) {
  const x = gather(inputs.features, slice.index);
  const { value, gradients } = valueAndGrad((p) => {
    const y = c.model.apply(p, x, { masks: slice.masks });
    if (c.loss === "same") return mean(square(sub(y, x)));
    return mean(softmaxCrossEntropy(y, gather(inputs.labels, slice.index)));
  }, parameters);
  return { parameters: takeStep(sgd(), gradients, sgd().init(parameters), parameters, inputs).parameters, loss: value };
}

/** K steps in one call: parameters are carried, the data set is captured, minibatches are gathered inside. */
export function scanProgram(c: EngineCase): Program {
  const graph = trace(
    ((inputs: Inputs) => {
      const { carry, outputs } = scan(
        (carry, slice) => {
          const { parameters, loss } = step(c, inputs, carry, slice);
          return { carry: parameters, output: { loss } };
        },
        inputs.parameters,
        inputs.slice,
      );
      return { parameters: carry, ...outputs };
    }) as unknown as (inputs: unknown) => TensorTree,
    types(c, ["K"]),
  );
  return compileProgram(`${c.name}-scan`, graph);
}

/** One step a call. */
export function stepProgram(c: EngineCase): Program {
  const graph = trace(
    ((inputs: Inputs) => step(c, inputs, inputs.parameters, inputs.slice)) as unknown as (x: unknown) => TensorTree,
    types(c, []),
  );
  return compileProgram(`${c.name}-step`, graph);
}

/** Repeatable numbers in [-1, 1). */
function numbers(size: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function floats(shape: readonly number[], seed: number, scale: number): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float", shape, data: numbers(size, seed).map((v) => v * scale) };
}

/** Inputs of `scanProgram` (steps = K) or `stepProgram` (steps undefined). */
export function caseInputs(c: EngineCase, steps?: number): Record<string, HostTensor> {
  const rows = minibatches * c.batch;
  const lead = steps === undefined ? [] : [steps];
  const inputs: Record<string, HostTensor> = {
    features: floats([rows, ...c.shape], 1, 1),
    labels: { dtype: "int32", shape: [rows], data: Int32Array.from({ length: rows }, (_, i) => (i * 7) % 10) },
    learningRate: { dtype: "float", shape: [], data: Float32Array.of(1e-3) },
    "slice/index": {
      dtype: "int32",
      shape: [...lead, c.batch],
      data: Int32Array.from({ length: (steps ?? 1) * c.batch }, (_, i) => i % rows),
    },
  };
  for (const [i, p] of c.model.parameters.entries()) {
    const fanIn = p.shape.length < 2 ? 1 : p.shape.reduce((a, b) => a * b, 1) / p.shape[p.shape.length === 2 ? 1 : 0]!;
    inputs[`parameters/${p.name}`] = floats(p.shape, 100 + i, p.shape.length < 2 ? 0.1 : Math.sqrt(3 / fanIn));
  }
  for (const [i, m] of c.model.masks.entries()) {
    const bytes = Math.ceil(m.shape.reduce((a, b) => a * b, 1) / 8);
    const shape = [...lead, c.batch, bytes];
    const data = Uint8Array.from(numbers((steps ?? 1) * c.batch * bytes, 200 + i), (v) => (v + 1) * 128);
    inputs[`slice/masks/${m.name}`] = { dtype: "uint8", shape, data };
  }
  return inputs;
}
