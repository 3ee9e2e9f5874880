import { describe, expect, it } from "vitest";
import { gradients, valueAndGrad } from "../autodiff/gradient.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { HostTensor, TensorType } from "../graph/types.ts";
import { encodeModel } from "../program/encode.ts";
import { compileProgram, type Program } from "../program/program.ts";
import { deserializeGraph } from "../program/serialize.ts";
import { checkExecutor, sample } from "../testing/check.ts";
import { relu } from "./activations.ts";
import { sum } from "./broadcast.ts";
import { scan } from "./control.ts";
import { conv2d } from "./convolution.ts";
import { add, mul, sub } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { linear } from "./matmul.ts";
import { mean } from "./reductions.ts";
import { flatten } from "./shape.ts";
import { softmaxCrossEntropy } from "./softmax.ts";

/** Values with the look of real images and activations; all transforms have to stay within 1e-5 of the maximum. */
const looks: Readonly<Record<string, (v: number, i: number) => number>> = {
  "after relu": (v) => Math.max(v, 0),
  "large after relu": (v) => 1e4 * Math.max(v, 0),
  "far from zero": (v) => 10 + v,
  "heavy tail": (v) => Math.max(v, 0) ** 9 * 100,
  "bytes of an image": (v) => Math.floor((v + 1) * 128),
};
const extents = [
  { x: [2, 32, 12, 12], w: [32, 32, 5, 5], padding: 2 },
  { x: [2, 32, 8, 8], w: [64, 32, 3, 3], padding: 1 },
] as const;

describe.each(Object.entries(looks))("values %s", (name, look) => {
  it.each(extents)("keep 1e-5 with kernels of $w", async ({ x, w, padding }) => {
    const plain = sample(x, { seed: 5 });
    const image: HostTensor = { ...plain, data: Float64Array.from(plain.data, (v, i) => Math.fround(look(v, i))) };
    const inputs = {
      x: image,
      w: sample(w, { seed: 2, scale: 0.05 }),
      g: sample([x[0], w[0], x[2], x[3]], { seed: 3 }),
    };
    const fn = (v: Record<string, Tensor>): TensorTree => {
      const y = conv2d(v.x!, v.w!, { padding });
      return { y, by: gradients(sum(mul(y, v.g!)), { x: v.x!, w: v.w! }) };
    };
    await checkExecutor(`Winograd ${w[2]}x${w[3]}, ${name}`, fn, inputs);
  });
});

const steps = 120;

/** Losses [steps] of a small network with a convolution of 32 to 32 channels, trained on `rows` random images. */
function training(): Program {
  const types: Record<string, TensorType> = {
    conv: { dtype: "float", shape: [32, 32, 5, 5] },
    dense: { dtype: "float", shape: [32 * 64, 4] },
    images: { dtype: "float", shape: [16, 32, 8, 8] },
    labels: { dtype: "int32", shape: [16] },
    batches: { dtype: "int32", shape: [steps, 4] },
  };
  const fn = ({ conv, dense, images, labels, batches }: Record<string, Tensor>): TensorTree =>
    scan(
      (carry: { conv: Tensor; dense: Tensor }, s: { batch: Tensor }) => {
        const loss = (p: typeof carry) => {
          const hidden = relu(conv2d(gather(images!, s.batch), p.conv, { padding: 2 }));
          return mean(softmaxCrossEntropy(linear(flatten(hidden), p.dense), gather(labels!, s.batch)));
        };
        const { value, gradients: by } = valueAndGrad(loss, carry);
        const next = { conv: sub(carry.conv, mul(by.conv, 0.02)), dense: sub(carry.dense, mul(by.dense, 0.02)) };
        return { carry: next, output: { loss: value, size: add(sum(next.conv), sum(next.dense)) } };
      },
      { conv: conv!, dense: dense! },
      { batch: batches! },
    );
  return compileProgram("training", trace(fn as (x: unknown) => TensorTree, types));
}

it("trains like the plain forms, step by step", async () => {
  const program = training();
  const plain: Program = { ...program, onnx: encodeModel(deserializeGraph(program.graph), "plain") };
  expect(plain.onnx.length).toBeLessThan(program.onnx.length / 2); // the transforms are constants of the other
  const narrow = (t: HostTensor): HostTensor => ({ ...t, data: Float32Array.from(t.data) });
  const inputs = {
    conv: narrow(sample([32, 32, 5, 5], { scale: 0.035 })),
    dense: narrow(sample([32 * 64, 4], { scale: 0.02, seed: 2 })),
    images: narrow(sample([16, 32, 8, 8], { seed: 3, shift: 0.5 })),
    labels: { dtype: "int32", shape: [16], data: Int32Array.from({ length: 16 }, (_, i) => (i * 7) % 4) },
    batches: {
      dtype: "int32",
      shape: [steps, 4],
      data: Int32Array.from({ length: steps * 4 }, (_, i) => (i * 5 + Math.floor(i / 16)) % 16),
    },
  } as const;
  const executor = await onnxruntimeNode();
  const losses = async (p: Program): Promise<number[]> => {
    const executable = await executor.load(p);
    const outputs = await executable.run(inputs);
    await executable.release();
    return Array.from(outputs["outputs/loss"]!.data);
  };
  const [ours, theirs] = [await losses(program), await losses(plain)];
  expect(theirs.at(-1)).toBeLessThan(theirs[0]! / 3);
  ours.forEach((loss, i) => {
    expect(Math.abs(loss - theirs[i]!)).toBeLessThan(2e-4);
  });
});
