import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Tensor } from "../graph/graph.ts";
import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { product, transposed } from "../linalg/product.ts";
import { qr } from "../linalg/qr.ts";
import { symmetricEigen } from "../linalg/symmetric-eigen.ts";
import { descend, host, sample } from "../testing/check.ts";
import { adamw } from "./adamw.ts";
import { soap } from "./soap.ts";

const close = (values: ArrayLike<number>, digits = 9) => Array.from(values, (v) => expect.closeTo(v, digits));

/** Steps from..to (to excluded) of a stack of gradients. */
function part(g: HostTensor, from: number, to: number): HostTensor {
  const size = g.data.length / g.shape[0]!;
  return { ...g, shape: [to - from, ...g.shape.slice(1)], data: g.data.slice(from * size, to * size) };
}
const step = (g: HostTensor, k: number) => part(g, k, k + 1).data as Float64Array;
const unit = (n: number) => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

/** x times a matrix along one axis: sum_a q[a, j] x[.., a, ..], or with q transposed. */
function along(x: Float64Array, shape: number[], axis: number, q: Float64Array, back: boolean): Float64Array {
  const d = shape[axis]!;
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return x.map((_, i) => {
    const j = Math.floor(i / stride) % d;
    let sum = 0;
    for (let a = 0; a < d; a++) sum += (back ? q[j * d + a]! : q[a * d + j]!) * x[i + (a - j) * stride]!;
    return sum;
  });
}

function gramAlong(x: Float64Array, shape: number[], axis: number): Float64Array {
  const d = shape[axis]!;
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const gram = new Float64Array(d * d);
  x.forEach((v, i) => {
    const j = Math.floor(i / stride) % d;
    for (let a = 0; a < d; a++) gram[j * d + a]! += v * x[i + (a - j) * stride]!;
  });
  return gram;
}

const settings = { beta1: 0.8, beta2: 0.9, shampooBeta: 0.7, epsilon: 1e-3, weightDecay: 0.3 };

/** SOAP in plain numbers, with the first moment kept in the bases and turned at every refresh, as in the released code. */
function plainSoap(w0: HostTensor, gradients: HostTensor, refreshEvery: number, rate: number): Float64Array[] {
  const shape = [...w0.shape];
  const axes = shape.length > 1 ? shape.map((_, axis) => axis) : [];
  const { beta1, beta2, shampooBeta, epsilon, weightDecay } = settings;
  let w: Float64Array = Float64Array.from(w0.data);
  let moment: Float64Array = new Float64Array(w.length);
  let second: Float64Array = new Float64Array(w.length);
  const grams: Float64Array[] = axes.map((axis) => new Float64Array(shape[axis]! ** 2));
  const bases: Float64Array[] = axes.map((axis) => unit(shape[axis]!));
  const turn = (x: Float64Array, back: boolean) =>
    axes.reduce((y, axis) => along(y, shape, axis, bases[axis]!, back), x);
  const history: Float64Array[] = [];
  for (let k = 0; k < gradients.shape[0]!; k++) {
    const g = step(gradients, k);
    if (k > 0) {
      const turned = turn(g, false);
      moment = moment.map((m, i) => beta1 * m + (1 - beta1) * turned[i]!);
      second = second.map((v, i) => beta2 * v + (1 - beta2) * turned[i]! ** 2);
      const size = (rate * Math.sqrt(1 - beta2 ** k)) / (1 - beta1 ** k);
      const update = turn(
        moment.map((m, i) => m / (Math.sqrt(second[i]!) + epsilon)),
        true,
      );
      w = w.map((v, i) => (v - size * update[i]!) * (1 - rate * weightDecay));
    }
    history.push(w);
    for (const axis of axes) {
      const gram = gramAlong(g, shape, axis);
      grams[axis] = grams[axis]!.map((v, i) => shampooBeta * v + (1 - shampooBeta) * gram[i]!);
    }
    moment = turn(moment, true);
    for (const axis of axes) {
      const d = shape[axis]!;
      if (k === 0) bases[axis] = symmetricEigen(grams[axis]!, d).vectors;
      else if (k % refreshEvery === 0) {
        const q = bases[axis]!;
        const rayleigh = product(transposed(q, d, d), product(grams[axis]!, q, d, d, d), d, d, d);
        const order = Array.from({ length: d }, (_, i) => i).sort(
          (a, b) => rayleigh[b * (d + 1)]! - rayleigh[a * (d + 1)]!,
        );
        const swap = new Float64Array(d * d);
        order.forEach((from, to) => {
          swap[from * d + to] = 1;
        });
        second = along(second, shape, axis, swap, false);
        bases[axis] = qr(product(grams[axis]!, product(q, swap, d, d, d), d, d, d), d, d).q;
      }
    }
    moment = turn(moment, false);
  }
  return history;
}

describe("soap", () => {
  it.each([
    1, 3,
  ])("follows the released code in plain numbers, bases renewed every %i updates", async (refreshEvery) => {
    const shapes: Record<string, number[]> = { b: [3], k: [2, 3, 2, 2], w: [4, 3] };
    const named = (make: (shape: number[], seed: number) => HostTensor) =>
      Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, make(shape, i + 1)]));
    const start = named((shape, seed) => sample(shape, { seed }));
    const gradients = named((shape, seed) => sample([9, ...shape], { seed: seed + 7 }));
    const { parameters } = await descend(soap({ ...settings, refreshEvery }), start, gradients, { learningRate: 0.2 });
    for (const name of Object.keys(shapes)) {
      const expected = plainSoap(start[name]!, gradients[name]!, refreshEvery, 0.2);
      for (let k = 0; k < 9; k++) expect(Array.from(step(parameters[name]!, k))).toEqual(close(expected[k]!));
    }
  });

  it("leaves parameters alone in its first call, decay included", async () => {
    const start = { b: sample([3]), w: sample([2, 3]) };
    const gradients = { b: sample([1, 3], { seed: 2 }), w: sample([1, 2, 3], { seed: 3 }) };
    const { parameters, state } = await descend(soap(), start, gradients);
    for (const name of ["b", "w"] as const) expect(parameters[name]!.data).toEqual(start[name].data);
    expect(Array.from(state["preconditioner/w/0"]!.data)).toEqual(
      close(gramAlong(gradients.w.data as Float64Array, [2, 3], 0).map((v) => 0.05 * v)),
    );
  });

  it("in the basis I is Adam from the second gradient on", async () => {
    const start = { b: sample([3]), w: sample([4, 3]) };
    const gradients = { b: sample([6, 3], { seed: 2 }), w: sample([6, 4, 3], { seed: 3 }) };
    const ours = await descend(soap({ epsilon: 0, weightDecay: 0 }), start, gradients, { refresh: false });
    const rest = { b: part(gradients.b, 1, 6), w: part(gradients.w, 1, 6) };
    const rule = adamw({ beta1: 0.95, beta2: 0.95, epsilon: 0, weightDecay: 0 });
    const adam = await descend(rule, start, rest);
    for (const name of ["b", "w"]) {
      expect(Array.from(part(ours.parameters[name]!, 1, 6).data)).toEqual(close(adam.parameters[name]!.data, 12));
    }
  });

  it("has orthonormal bases after every refresh", async () => {
    const gradients = sample([7, 6, 4], { seed: 4 });
    for (let k = 2; k <= 7; k++) {
      const { state } = await descend(soap({ refreshEvery: 1 }), { w: sample([6, 4]) }, { w: part(gradients, 0, k) });
      for (const [axis, d] of [6, 4].entries()) {
        const q = state[`bases/w/${axis}`]!.data as Float64Array;
        expect(Array.from(product(transposed(q, d, d), q, d, d, d))).toEqual(close(unit(d), 13));
      }
    }
  });

  it("turns with the coordinates of its parameters", async () => {
    const [m, n, steps] = [4, 5, 12];
    const turn = qr(sample([m, m], { seed: 11 }).data, m, m).q;
    const turned = (x: HostTensor) => {
      const blocks = x.data.length / (m * n);
      const data = Array.from({ length: blocks }, (_, k) =>
        Array.from(product(turn, (x.data as Float64Array).slice(k * m * n, (k + 1) * m * n), m, m, n)),
      );
      return { ...x, data: Float64Array.from(data.flat()) };
    };
    const [w, g] = [sample([m, n]), sample([steps, m, n], { seed: 5 })];
    const rule = soap({ refreshEvery: 2, epsilon: 1e-4 });
    const plain = await descend(rule, { w }, { w: g });
    const other = await descend(rule, { w: turned(w) }, { w: turned(g) });
    expect(Array.from(other.parameters["w"]!.data)).toEqual(close(turned(plain.parameters["w"]!).data, 8));
  });

  it("does not depend on the order of the basis, as the second moment goes along", () => {
    const [m, n] = [4, 3];
    const order = [2, 0, 3, 1];
    const q = qr(sample([m, m], { seed: 2 }).data, m, m).q;
    const [v, g, first, w] = [3, 4, 5, 6].map((seed) => sample([m, n], { seed }));
    const positive = v!.data.map(Math.abs);
    const swapped = q.map((_, i) => q[i - (i % m) + order[i % m]!]!);
    const moved = positive.map((_, i) => positive[order[Math.floor(i / n)]! * n + (i % n)]!);
    const rule = soap({ epsilon: 0.01, maxSize: m });
    const directionOf = (basis: ArrayLike<number>, second: ArrayLike<number>) => {
      const inputs = {
        basis: host("float", [m, m], basis),
        first: first!,
        g: g!,
        second: host("float", [m, n], second),
        w: w!,
      };
      const graph = trace((x: Record<string, Tensor>) => {
        const start = rule.init({ w: x["w"]! });
        const bases = { ...(start["bases"] as Record<string, Tensor>), "w/0": x["basis"]! };
        const moments = { firstMoment: { w: x["first"]! }, secondMoment: { w: x["second"]! } };
        const state = { ...start, bases, ...moments, calls: start["calls"]! };
        const later = rule.direction({ w: x["g"]! }, state, { w: x["w"]! }, { learningRate: 0.1 }).state;
        return rule.direction({ w: x["g"]! }, later, { w: x["w"]! }, { learningRate: 0.1 }).direction;
      }, inputs as never);
      return evaluateGraph(
        graph,
        graph.inputs.map(({ name }) => inputs[name as keyof typeof inputs]),
      )[0]!.data;
    };
    expect(Array.from(directionOf(swapped, moved))).toEqual(close(directionOf(q, positive), 12));
  });

  it("with a refresh at every update tracks the eigenbasis of its Gram", async () => {
    const [m, steps] = [4, 120];
    // one gradient to start from, then another one of singular values 4, 3, 2, 1
    const [u, v] = [3, 4].map((seed) => qr(sample([m, m], { seed }).data, m, m).q) as [Float64Array, Float64Array];
    const constant = product(
      u.map((x, i) => x * (m - (i % m))),
      transposed(v, m, m),
      m,
      m,
      m,
    );
    const data = [
      ...sample([m, m], { seed: 9 }).data,
      ...Array.from({ length: steps - 1 }, () => [...constant]).flat(),
    ];
    const gradients = { w: host("float", [steps, m, m], data) };
    const { state } = await descend(soap({ refreshEvery: 1, shampooBeta: 0.5 }), { w: sample([m, m]) }, gradients);
    const { vectors } = symmetricEigen(state["preconditioner/w/0"]!.data, m);
    expect(Array.from(state["bases/w/0"]!.data, Math.abs)).toEqual(close(vectors.map(Math.abs), 7));
  });

  it("goes on with received Grams, which are one mean over all gradients", async () => {
    const gradients = sample([7, 3, 2], { seed: 6 });
    const start = { w: sample([3, 2]) };
    const whole = await descend(soap(), start, { w: gradients });
    const first = await descend(soap(), start, { w: part(gradients, 0, 4) });
    const warm = Object.fromEntries(["w/0", "w/1"].map((name) => [name, first.state[`preconditioner/${name}`]!]));
    const second = await descend(soap(), start, { w: part(gradients, 4, 7) }, { warm });
    for (const name of ["preconditioner/w/0", "preconditioner/w/1"]) {
      expect(Array.from(second.state[name]!.data)).toEqual(close(whole.state[name]!.data, 14));
    }
    expect(second.state["calls"]!.data[0]).toBe(3);
    // the bases follow from the received Gram and the first gradient together
    const mixed = await descend(soap(), start, { w: part(gradients, 4, 6) }, { warm });
    const { vectors } = symmetricEigen(
      gramAlong(step(gradients, 4), [3, 2], 0).map((v, i) => 0.95 * warm["w/0"]!.data[i]! + 0.05 * v),
      3,
    );
    expect(Array.from(mixed.state["bases/w/0"]!.data)).toEqual(close(vectors, 12));
  });

  it("leaves long axes in their own coordinates", async () => {
    const start = { w: sample([3, 5]) };
    const gradients = { w: sample([3, 3, 5], { seed: 2 }) };
    const { state } = await descend(soap({ maxSize: 3 }), start, gradients);
    expect(Object.keys(state)).toEqual(["bases/w/0", "calls", "firstMoment/w", "preconditioner/w/0", "secondMoment/w"]);
  });

  it("refuses a cap that leaves nothing, and options out of their ranges", () => {
    const parameters = { b: { dtype: "float", shape: [5] }, w: { dtype: "float", shape: [20, 30] } } as const;
    expect(() => soap({ maxSize: 10 }).refresh!(parameters)).toThrow(/received w \[20, 30\], at most 10/);
    expect(soap().refresh!({ b: parameters.b })).toBeUndefined();
    expect(() => soap({ shampooBeta: 1 })).toThrow(/shampooBeta is out of its range/);
    expect(() => soap({ refreshEvery: 0 })).toThrow(/refreshEvery is out of its range/);
  });

  it("computes the same on onnxruntime-node", async () => {
    const start = { b: sample([6]), w: sample([6, 5], { seed: 2 }) };
    const gradients = { b: sample([25, 6], { seed: 3 }), w: sample([25, 6, 5], { seed: 4 }) };
    const exact = await descend(soap(), start, gradients);
    const fast = await descend(soap(), start, gradients, { executor: await onnxruntimeNode() });
    for (const name of ["b", "w"]) {
      expect(Array.from(fast.parameters[name]!.data)).toEqual(close(exact.parameters[name]!.data, 4));
    }
  });
});
