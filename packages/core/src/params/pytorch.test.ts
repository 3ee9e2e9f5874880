import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { parametersFrom, requireKnownLayout } from "./from-tensors.ts";
import { entryView, layout, type ParameterSpecLike } from "./layout.ts";
import type { TensorReading } from "./tensor-reading.ts";

const specs: ParameterSpecLike[] = [
  { name: "conv.weight", shape: [2, 1, 1, 2], role: "convKernel", block: "conv" },
  { name: "conv.bias", shape: [2], role: "vector", block: "conv" },
  { name: "norm.gamma", shape: [2], role: "normalization", block: "norm" },
  { name: "norm.beta", shape: [2], role: "normalization", block: "norm" },
  { name: "out.weight", shape: [3, 2], role: "head", block: "out" },
  { name: "out.bias", shape: [2], role: "head", block: "out" },
];
const model = layout(specs);

const tensor = (shape: readonly number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
const layers = {
  conv: { weight: tensor([2, 1, 1, 2], 1, 2, 3, 4), bias: tensor([2], 5, 6) },
  norm: { weight: tensor([2], 7, 8), bias: tensor([2], 9, 10) },
  // [outputs 2, inputs 3]
  out: { weight: tensor([2, 3], 11, 12, 13, 14, 15, 16), bias: tensor([2], 17, 18) },
};
/** The file of a PyTorch module whose layers have these names. */
function file(conv: string, norm: string, out: string) {
  const named = { [conv]: layers.conv, [norm]: layers.norm, [out]: layers.out };
  const entries = Object.entries(named).flatMap(([name, parts]) =>
    Object.entries(parts).map(([part, values]) => [`${name}.${part}`, values] as const),
  );
  return Object.fromEntries(entries);
}
const read = (tensors: ReturnType<typeof file>, reading: TensorReading, of = model) => {
  const vector = parametersFrom(tensors, of, reading);
  return Object.fromEntries(of.entries.map((entry) => [entry.name, [...entryView(vector, entry)]]));
};
const expected = {
  "conv.weight": [1, 2, 3, 4],
  "conv.bias": [5, 6],
  "norm.gamma": [7, 8],
  "norm.beta": [9, 10],
  "out.weight": [11, 14, 12, 15, 13, 16], // [inputs 3, outputs 2]
  "out.bias": [17, 18],
};
const pytorch = { layout: "pytorch" } as const;
const refused = (reading: TensorReading, tensors: ReturnType<typeof file>, of = model) => {
  return thrown(() => parametersFrom(tensors, of, reading));
};
/** Code and message of the error. */
function thrown(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof AnabranchError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("weights in the layout of PyTorch", () => {
  it("transpose dense weights alone, and name normalization as PyTorch does", () => {
    expect(read(file("conv", "norm", "out"), pytorch)).toEqual(expected);
  });

  it("are found by a table of layers and parameters", () => {
    const names = { conv: "net.0", "norm.gamma": "net.1.weight", "norm.beta": "net.1.bias", out: "net.4" };
    expect(read(file("net.0", "net.1", "net.4"), { ...pytorch, names })).toEqual(expected);
    expect(refused({ names: { fc: "net.0" } }, file("conv", "norm", "out"))).toMatch(
      /params\/unknown-name.*received fc; expected a layer \(conv, norm, out\)/s,
    );
    expect(refused({ ...pytorch, names: { conv: "net.9" } }, file("net.0", "norm", "out"))).toMatch(
      /params\/missing.*expected net\.9\.bias/s,
    );
  });

  it("are found layer by layer, with numbers in names as numbers", () => {
    expect(read(file("net.2", "net.9", "net.10"), { ...pytorch, match: "order" })).toEqual(expected);
    // other shapes fix the layer, whatever its name
    expect(read(file("z", "m", "a"), { ...pytorch, match: "order" })).toEqual(expected);
  });

  it("are found by a table for some layers and in order for the others", () => {
    const reading = { ...pytorch, match: "order", names: { norm: "z" } } as const;
    expect(read(file("a.1", "z", "a.2"), reading)).toEqual(expected);
  });
});

describe("a mistake in the weights", () => {
  it.each<[string, TensorReading, string, RegExp]>([
    ["dense weights of the other layout", {}, "params/shape", /initialWeightsLayout = "pytorch"/],
    [
      "kernels of another size",
      { ...pytorch, match: "order" },
      "params/missing",
      /layer conv.*expected bias \[2\], weight \[2, 1, 1, 2\]/s,
    ],
  ])("%s: says what to set", (_what, reading, code, message) => {
    const own = { ...file("conv", "norm", "out"), "norm.gamma": layers.norm.weight, "norm.beta": layers.norm.bias };
    const wrong =
      reading.match === undefined ? own : { ...file("conv", "norm", "out"), "conv.weight": tensor([2, 1, 1, 1], 1, 2) };
    const text = refused(reading, wrong);
    expect(text).toContain(code);
    expect(text).toMatch(message);
  });

  const square = (block: string): ParameterSpecLike => ({
    name: `${block}.weight`,
    shape: [2, 2],
    role: "matrix",
    block,
  });
  const twins = layout([square("first"), square("second")]);
  const weights = tensor([2, 2], 1, 2, 3, 4);

  it("never guesses between layers whose names have no order", () => {
    const reading = { ...pytorch, match: "order" } as const;
    const text = refused(reading, { "encoder.weight": weights, "decoder.weight": weights }, twins);
    expect(text).toMatch(/params\/ambiguous-order.*received decoder and encoder.*initialWeightsNames/s);
    expect(read({ "fc1.weight": weights, "fc2.weight": weights }, reading, twins)).toEqual({
      "first.weight": [1, 3, 2, 4],
      "second.weight": [1, 3, 2, 4],
    });
    const more = { "fc1.weight": weights, "fc2.weight": weights, "fc3.weight": weights };
    expect(refused(reading, more, twins)).toMatch(/params\/unmatched.*fc3 \(weight \[2, 2\]\)/s);
  });

  it("never guesses how square matrices lie", () => {
    expect(thrown(() => requireKnownLayout(twins, {}))).toMatch(/params\/ambiguous-layout.*first\.weight.*"pytorch"/s);
    for (const reading of [pytorch, { layout: "anabranch" } as const])
      expect(() => requireKnownLayout(twins, reading)).not.toThrow();
    expect(() => requireKnownLayout(model, {})).not.toThrow(); // 3 x 2 shows it
  });
});

describe("batch normalization of PyTorch", () => {
  const block = "norm";
  const batch = layout([
    { name: "norm.gamma", shape: [2], role: "normalization", block },
    { name: "norm.beta", shape: [2], role: "normalization", block },
    { name: "norm.mean", shape: [2], role: "statistics", block },
    { name: "norm.variance", shape: [2], role: "statistics", block },
  ]);
  const module = (name: string, variance = 4) => ({
    [`${name}.weight`]: tensor([2], 1, 2),
    [`${name}.bias`]: tensor([2], 3, 4),
    [`${name}.running_mean`]: tensor([2], 5, 6),
    [`${name}.running_var`]: tensor([2], 7, variance),
    [`${name}.num_batches_tracked`]: { shape: [], data: BigInt64Array.of(9n) },
  });
  const values = { "norm.gamma": [1, 2], "norm.beta": [3, 4], "norm.mean": [5, 6], "norm.variance": [7, 4] };

  it.each([
    ["norm", {}],
    ["bn1", { names: { norm: "bn1" } }],
    ["layers.0", { match: "order" } as const],
  ])("is read with its running statistics and without its counter: %s", (name, reading) => {
    const vector = parametersFrom(module(name), batch, { ...pytorch, ...reading });
    expect(Object.fromEntries(batch.entries.map((entry) => [entry.name, [...entryView(vector, entry)]]))).toEqual(
      values,
    );
  });

  it("is refused with a negative variance", () => {
    expect(thrown(() => parametersFrom(module("norm", -1), batch, pytorch))).toMatch(
      /^params\/variance: .*norm.running_var.*-1/,
    );
  });
});
