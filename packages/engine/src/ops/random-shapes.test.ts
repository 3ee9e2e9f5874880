import { describe, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import type { HostTensor, Shape } from "../graph/types.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { sum } from "./broadcast.ts";
import { greater } from "./comparison.ts";
import { conv2d } from "./convolution.ts";
import { add, div, exp, mul, pow, square, sub } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { matmul } from "./matmul.ts";
import { standardize } from "./normalization.ts";
import { avgPool2d, maxPool2d } from "./pooling.ts";
import { max, mean } from "./reductions.ts";
import { maximum, where } from "./selection.ts";
import { logSoftmax, softmax } from "./softmax.ts";

type Inputs = Readonly<Record<string, HostTensor>>;
type Fn = (v: Record<string, Tensor>) => Tensor;
type Draw = ReturnType<typeof drawing>;

/** Repeatable draws; the same seed gives the same shapes for ever. */
function drawing(seed: number) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const chance = (probability: number) => next() < probability;
  const pair = (low: number, high: number): [number, number] => [int(low, high), int(low, high)];
  return { int, chance, pair };
}

/** Values 0.01 apart in mixed order: far enough from ties for difference quotients. */
function distinct(draw: Draw, shape: readonly number[]): HostTensor {
  const values = Array.from({ length: sizeOfShape(shape) }, (_, i, size = sizeOfShape(shape)) => (i - size / 2) * 0.01);
  for (let i = values.length - 1; i > 0; i--) {
    const j = draw.int(0, i);
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return host("float", shape, values);
}

/** What broadcasts to `full`: leading axes missing, some of the others of extent 1. */
function broadcastable(draw: Draw, full: readonly number[]): number[] {
  return full.slice(draw.int(0, full.length)).map((extent) => (draw.chance(0.4) ? 1 : extent));
}

async function check(name: string, fn: Fn, inputs: Inputs, shapes: Readonly<Record<string, Shape>> = {}) {
  checkGradients(name, fn, inputs);
  await checkExecutor(name, fn, inputs, { shapes });
}

const batchOf = (x: HostTensor) => ({ x: ["N", ...x.shape.slice(1)] });

async function convolution(draw: Draw): Promise<void> {
  const [groups, each, filters] = [draw.int(1, 3), draw.int(1, 2), draw.int(1, 2)];
  const kernel = draw.pair(1, 3);
  const dilation = draw.pair(1, 2);
  const padding = [...draw.pair(0, 3), ...draw.pair(0, 3)] as const;
  const size = kernel.map((k, axis) => draw.int(Math.max(1, dilation[axis]! * (k - 1) + 1 - padding[axis]!), 7));
  const options = { stride: draw.pair(1, 3), dilation, padding, groups };
  const x = sample([draw.int(1, 2), groups * each, ...size]);
  const inputs = { x, w: sample([groups * filters, each, ...kernel], { seed: 2 }) };
  const name = `conv2d ${x.shape} with ${inputs.w.shape}, ${JSON.stringify(options)}`;
  await check(name, (v) => conv2d(v.x!, v.w!, options), inputs, batchOf(x));
}

async function pooling(draw: Draw): Promise<void> {
  const size = draw.pair(1, 3);
  const [top, left, bottom, right] = [0, 1, 0, 1].map((axis) => draw.int(0, size[axis]! - 1)) as [
    number,
    number,
    number,
    number,
  ];
  const options = { size, stride: draw.pair(1, 3), padding: [top, left, bottom, right] } as const;
  const x = distinct(draw, [draw.int(1, 2), draw.int(1, 3), draw.int(size[0], 7), draw.int(size[1], 7)]);
  const name = `${x.shape}, ${JSON.stringify(options)}`;
  await check(`maxPool2d ${name}`, (v) => maxPool2d(v.x!, options), { x }, batchOf(x));
  await check(`avgPool2d ${name}`, (v) => avgPool2d(v.x!, options), { x }, batchOf(x));
  const tied = {
    x: host(
      "float",
      x.shape,
      Array.from(x.data, (v) => Math.round(v * 10)),
    ),
  };
  await checkExecutor(`maxPool2d with ties ${name}`, (v) => maxPool2d(v.x!, options), tied);
}

async function broadcasting(draw: Draw): Promise<void> {
  const full = Array.from({ length: draw.int(0, 4) }, () => draw.int(1, 3));
  const [a, b, c] = [3, 4, 9].map((seed) => sample(broadcastable(draw, full), { seed, shift: seed < 9 ? 2 : 0 }));
  const fn: Fn = (v) =>
    where(greater(v.c!, 0), div(mul(v.a!, v.b!), add(v.a!, v.b!)), sub(pow(v.a!, v.b!), maximum(v.a!, v.b!)));
  await check(`where ${c!.shape} of ${a!.shape} and ${b!.shape}`, fn, { a: a!, b: b!, c: c! });
}

async function products(draw: Draw): Promise<void> {
  const full = Array.from({ length: draw.int(0, 3) }, () => draw.int(1, 3));
  const [m, k, n] = [draw.int(1, 3), draw.int(1, 3), draw.int(1, 3)];
  const options = { transposeA: draw.chance(0.5), transposeB: draw.chance(0.5) };
  const a = sample([...broadcastable(draw, full), ...(options.transposeA ? [k, m] : [m, k])], { seed: 5 });
  const b = sample([...broadcastable(draw, full), ...(options.transposeB ? [n, k] : [k, n])], { seed: 6 });
  await check(`matmul ${a.shape} x ${b.shape}`, (v) => matmul(v.a!, v.b!, options), { a, b });
}

async function alongAxes(draw: Draw): Promise<void> {
  const shape = Array.from({ length: draw.int(1, 4) }, () => draw.int(1, 3));
  const x = distinct(draw, shape);
  const signed = (axis: number) => (draw.chance(0.5) ? axis - shape.length : axis);
  const axes = shape.flatMap((_, axis) => (draw.chance(0.6) ? [signed(axis)] : []));
  const keep = draw.chance(0.5);
  const reduced: Fn = (v) => add(sum(exp(mean(v.x!, axes, keep))), sum(square(max(v.x!, axes, keep))));
  await check(`reductions of ${shape} along ${axes}`, reduced, { x });
  const axis = signed(draw.int(0, shape.length - 1));
  const normalized: Fn = (v) => add(softmax(v.x!, axis), mul(logSoftmax(v.x!, axis), standardize(v.x!, axis, 0.1)));
  await check(`softmax and standardize ${shape}, axis ${axis}`, normalized, { x });
  const places = Array.from({ length: draw.int(0, 2) }, () => draw.int(1, 3));
  const rows = Array.from({ length: sizeOfShape(places) }, () => draw.int(0, shape.at(axis)! - 1));
  const symbolic = shape.with(draw.int(0, shape.length - 1), -1).map((d) => (d < 0 ? "N" : d));
  const name = `gather ${places} of [${symbolic}], axis ${axis}`;
  await check(name, (v) => gather(v.x!, v.i!, axis), { x, i: host("int32", places, rows) }, { x: symbolic });
}

const families = { convolution, pooling, broadcasting, products, alongAxes };

describe.each(Object.entries(families))("random shapes: %s", (_name, family) => {
  it.each([1, 2, 3])("seed %i", async (seed) => {
    const draw = drawing(seed * 7919);
    for (let i = 0; i < 5; i++) await family(draw);
  });
});
