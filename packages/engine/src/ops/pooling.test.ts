import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import { apply } from "../graph/apply.ts";
import type { Tensor } from "../graph/graph.ts";
import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { avgPool2d, maxPool2d, maxPoolGradientOperator, type PoolingOptions } from "./pooling.ts";

interface Case {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly options: PoolingOptions;
}
const cases: readonly Case[] = [
  { name: "tiling 2x2", x: [2, 3, 4, 6], options: { size: 2 } },
  { name: "tiling 3x2", x: [2, 2, 6, 4], options: { size: [3, 2] } },
  { name: "tiling with rows left over", x: [2, 2, 5, 7], options: { size: 2 } },
  { name: "overlapping", x: [2, 2, 5, 7], options: { size: 3, stride: 2 } },
  { name: "overlapping, padded", x: [2, 2, 6, 6], options: { size: 3, stride: 2, padding: 1 } },
  { name: "overlapping, stride 1", x: [1, 2, 4, 5], options: { size: 2, stride: 1 } },
  { name: "gaps between windows", x: [2, 2, 8, 7], options: { size: 2, stride: 3 } },
  { name: "asymmetric padding", x: [1, 2, 5, 5], options: { size: 3, stride: 2, padding: [0, 1, 1, 0] } },
  { name: "whole image", x: [2, 3, 4, 4], options: { size: 4 } },
];

/** Distinct values, farther apart than the difference quotients reach. */
function distinct(shape: readonly number[], shift = 0): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return host(
    "float",
    shape,
    Array.from({ length: size }, (_, i) => (((i * 37) % size) - size / 2) * 0.01 + shift),
  );
}

/** A few values only: every window has ties. Negative throughout, so that padding would win if it took part. */
function withTies(shape: readonly number[]): HostTensor {
  return host(
    "float",
    shape,
    Array.from(sample(shape).data, (v) => Math.round(v) - 2),
  );
}

describe.each(cases)("pooling, $name", ({ name, x: shape, options }) => {
  const shapes = { x: ["N", ...shape.slice(1)] };
  const maximum = (v: Record<string, Tensor>) => maxPool2d(v.x!, options);
  const average = (v: Record<string, Tensor>) => avgPool2d(v.x!, options);

  it("maximum", async () => {
    checkGradients(`maxPool2d ${name}`, maximum, { x: distinct(shape) });
    await checkExecutor(`maxPool2d ${name}`, maximum, { x: distinct(shape, -9) }, { shapes });
    await checkExecutor(`maxPool2d ${name}, ties`, maximum, { x: withTies(shape) }, { shapes });
  });

  it("maximum: the gradient rule and its adjoint at ties", async () => {
    const y = trace(({ x }) => maxPool2d(x, options), { x: { dtype: "float", shape } } as const).outputs[0]!.tensor;
    const g = sample(y.shape as number[], { seed: 3 });
    const rule = (v: Record<string, Tensor>) => {
      const pooled = maxPool2d(v.x!, options);
      return apply(maxPoolGradientOperator, [v.x!, pooled, v.g!], pooled.node.attributes);
    };
    const inputs = { x: withTies(shape), g };
    checkGradients(`maxPool2d gradient ${name}`, rule, inputs, { variables: ["g"] });
    await checkExecutor(`maxPool2d gradient ${name}`, rule, inputs);
  });

  it("mean", async () => {
    checkGradients(`avgPool2d ${name}`, average, { x: sample(shape) });
    await checkExecutor(`avgPool2d ${name}`, average, { x: sample(shape) }, { shapes });
  });
});

it("shares the gradient of a maximum equally among ties", () => {
  const types = { g: { dtype: "float", shape: [1, 1, 1, 2] }, x: { dtype: "float", shape: [1, 1, 2, 4] } } as const;
  const graph = trace(({ g, x }) => {
    const y = maxPool2d(x, { size: 2 });
    return apply(maxPoolGradientOperator, [x, y, g], y.node.attributes);
  }, types);
  const x = host("float", [1, 1, 2, 4], [0, 0, 7, 1, 0, 0, 2, 7]);
  const g = host("float", [1, 1, 1, 2], [4, 6]);
  expect([...evaluateGraph(graph, [g, x])[0]!.data]).toEqual([1, 1, 3, 0, 1, 1, 0, 3]);
});

it("refuses padding that windows could lie in altogether", () => {
  const types = { x: { dtype: "float", shape: [1, 1, 4, 4] } } as const;
  expect(() => trace(({ x }) => maxPool2d(x, { size: 2, padding: [0, 2, 0, 0] }), types)).toThrow(
    /in the padding only/,
  );
});
