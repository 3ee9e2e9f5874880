import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradient.ts";
import { evaluate } from "../executor/evaluate.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import * as activations from "./activations.ts";
import { acos } from "./arccosine.ts";
import { sum } from "./broadcast.ts";
import * as comparison from "./comparison.ts";
import * as elementwise from "./elementwise.ts";
import * as selection from "./selection.ts";

const ops = { ...activations, ...comparison, ...elementwise, ...selection };

type Unary = (x: Tensor) => Tensor;
const everywhere: Record<string, Unary> = {
  neg: ops.neg,
  exp: ops.exp,
  square: ops.square,
  tanh: ops.tanh,
  sigmoid: ops.sigmoid,
  erf: ops.erf,
  silu: ops.silu,
  gelu: ops.gelu,
  "pow 0": (x) => ops.pow(x, 0),
  "pow 2": (x) => ops.pow(x, 2),
  "pow 3": (x) => ops.pow(x, 3),
};
const awayFromZero: Record<string, Unary> = {
  abs: ops.abs,
  relu: ops.relu,
  clip: (x) => ops.clip(x, -0.9, 1.1),
};
const inside: Record<string, Unary> = { acos };
const positive: Record<string, Unary> = {
  log: ops.log,
  sqrt: ops.sqrt,
  rsqrt: ops.rsqrt,
  "pow 2.5": (x) => ops.pow(x, 2.5),
  "pow -1": (x) => ops.pow(x, -1),
};

describe("unary operators", () => {
  const cases = [
    ...Object.entries(everywhere).map(([name, fn]) => ({ name, fn, x: sample([2, 5], { scale: 3 }) })),
    ...Object.entries(awayFromZero).map(([name, fn]) => ({
      name,
      fn,
      x: host("float", [6], [-2.5, -0.75, -0.25, 0.5, 0.875, 2]),
    })),
    ...Object.entries(inside).map(([name, fn]) => ({ name, fn, x: host("float", [4], [-0.75, -0.25, 0, 0.5]) })),
    ...Object.entries(positive).map(([name, fn]) => ({ name, fn, x: sample([7], { scale: 0.75, shift: 1.25 }) })),
  ];
  it.each(cases)("$name", async ({ name, fn, x }) => {
    checkGradients(name, (i) => fn(i["x"]!), { x });
    await checkExecutor(name, (i) => fn(i["x"]!), { x });
  });

  it("acos beyond its ends, with slope 0", async () => {
    const x = host("float", [4], [-1.5, -1, 1, 1.0001]);
    await checkExecutor("acos", (i) => acos(i["x"]!), { x });
    const at = constant([-1.5, 1, 0.5], [3]);
    expect([...evaluate(acos(at)).data]).toEqual([Math.PI, 0, Math.acos(0.5)]);
    expect([...evaluate(gradients(sum(acos(at)), { at }).at).data]).toEqual([0, 0, -1 / Math.sqrt(0.75)]);
  });

  it("sign and special points", async () => {
    const x = host("float", [5], [-2, -0.5, 0, 0.5, 2]);
    await checkExecutor("sign", (i) => ops.sign(i["x"]!), { x });
    for (const [name, fn] of Object.entries(awayFromZero))
      await checkExecutor(`${name} at 0`, (i) => fn(i["x"]!), { x });
  });
});

type Binary = (a: Tensor, b: Tensor) => Tensor;
const binary: Record<string, Binary> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: ops.div,
  pow: ops.pow,
  maximum: ops.maximum,
  minimum: ops.minimum,
  "where greater": (a, b) => ops.where(ops.greater(a, b), ops.mul(a, b), ops.square(b)),
};
const shapePairs: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], []],
  [[3], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
];

describe.each(Object.entries(binary))("%s", (name, fn) => {
  it.each(shapePairs)("of %j and %j", async (sa, sb) => {
    const a = sample(sa, { seed: 2, scale: 0.5, shift: 1.5 });
    const b = sample(sb, { seed: 5, scale: 0.5, shift: 1.25 });
    const label = `${name} ${JSON.stringify(sa)} ${JSON.stringify(sb)}`;
    checkGradients(label, (i) => fn(i["a"]!, i["b"]!), { a, b });
    await checkExecutor(label, (i) => fn(i["a"]!, i["b"]!), { a, b });
  });

  it("with symbolic leading dimensions", async () => {
    const a = sample([4, 3], { seed: 2, scale: 0.5, shift: 1.5 });
    const b = sample([3], { seed: 5, scale: 0.5, shift: 1.25 });
    await checkExecutor(`${name} [N, 3]`, (i) => fn(i["a"]!, i["b"]!), { a, b }, { shapes: { a: ["N", 3] } });
  });
});

describe("other element types", () => {
  it("compares float, int32 and uint8", async () => {
    for (const dtype of ["float", "int32", "uint8"] as const) {
      const [a, b] = [host(dtype, [4], [1, 2, 3, 4]), host(dtype, [4], [1, 3, 2, 4])];
      const all = ({ a, b }: Record<string, Tensor>) => ({
        equal: ops.equal(a!, b!),
        less: ops.less(a!, b!),
        lessEqual: ops.lessEqual(a!, b!),
        greaterEqual: ops.greaterEqual(a!, 3),
        neither: ops.logicalNot(ops.logicalAnd(ops.greater(a!, b!), ops.greater(a!, 2))),
      });
      await checkExecutor(`comparisons of ${dtype}`, all, { a, b });
    }
  });

  it("computes on int32", async () => {
    const [a, b] = [host("int32", [3], [7, -8, 9]), host("int32", [3], [2, 3, -4])];
    const all = ({ a, b }: Record<string, Tensor>) => ({
      sum: ops.add(a!, b!),
      difference: ops.sub(a!, 1),
      product: ops.mul(a!, b!),
      maximum: ops.maximum(a!, b!),
      where: ops.where(ops.greater(a!, 0), a!, 0),
    });
    await checkExecutor("int32", all, { a, b });
  });

  it("casts", async () => {
    const x = host("float", [5], [-2.7, -0.5, 0, 0.5, 2.7]);
    const bytes = host("uint8", [3], [0, 3, 255]);
    const all = ({ x, bytes }: Record<string, Tensor>) => ({
      toInt: ops.cast(x!, "int32"),
      toBool: ops.cast(x!, "bool"),
      widened: ops.cast(bytes!, "float"),
      toBytes: ops.cast(ops.cast(bytes!, "int32"), "uint8"),
      boolToFloat: ops.cast(ops.cast(x!, "bool"), "float"),
      boolToInt: ops.cast(ops.cast(bytes!, "bool"), "int32"),
    });
    await checkExecutor("cast", all, { x, bytes });
  });

  it("refuses what does not fit", () => {
    const fails = (fn: (i: Record<string, Tensor>) => Tensor) => () =>
      checkGradients("refused", fn, { a: sample([2]), b: sample([3]), n: host("int32", [2], [1, 2]) });
    expect(fails((i) => ops.add(i["a"]!, i["b"]!))).toThrow(
      /shapes do not broadcast \(add\); received float\[2\], float\[3\]/,
    );
    expect(fails((i) => ops.mul(i["a"]!, i["n"]!))).toThrow(/unfit element types/);
    expect(fails((i) => ops.exp(i["n"]!))).toThrow(/must be float/);
    // numbers take the tensor's type: a half would be 0, and 300 a byte of 44
    expect(fails((i) => ops.mul(i["n"]!, 0.5))).toThrow(/cannot hold a constant.*received 0.5/);
    expect(fails((i) => ops.equal(ops.cast(i["n"]!, "uint8"), 300))).toThrow(/received 300/);
    expect(() => constant([1, 2, 3], [2])).toThrow(/does not fill its shape/);
  });
});
