import { constant, evaluate, gradients, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { modulate, type Pool, routedLogits, routedLoss, routeInstances } from "../models/instance-routing.ts";
import { randomStream, rootKey } from "../random/index.ts";
import { distillation, taughtLoss } from "./distillation.ts";
import { errorNorms, pruneExamples } from "./hard-examples.ts";
import { trainInTwoStages, twoHeadLoss, twoLogits } from "./two-stage.ts";

const numbers = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 2);
const tensor = (seed: number, ...shape: number[]) =>
  constant(
    numbers(
      shape.reduce((x, y) => x * y, 1),
      seed,
    ),
    shape,
  );
const value = (x: Tensor) => evaluate(x).data[0]!;
const labels = constant([0, 2, 1], [3], "int32");

describe("distillation", () => {
  it("is T^2 KL by hand, and 0 for an equal teacher", () => {
    const [p, t] = [tensor(1, 3, 4), tensor(2, 3, 4)];
    const soft = (row: number[]) => {
      const e = row.map((x) => Math.exp(x / 2));
      const sum = e.reduce((x, y) => x + y, 0);
      return e.map((x) => x / sum);
    };
    const rows = (x: Tensor) => [0, 1, 2].map((n) => Array.from(evaluate(x).data).slice(4 * n, 4 * n + 4));
    const [student, teacher] = [rows(p).map(soft), rows(t).map(soft)];
    let sum = 0;
    for (let n = 0; n < 3; n++)
      for (let c = 0; c < 4; c++) sum += teacher[n]![c]! * Math.log(teacher[n]![c]! / student[n]![c]!);
    expect(value(distillation(p, t, 2))).toBeCloseTo((4 * sum) / 3, 12);
    expect(value(distillation(p, p, 2))).toBeCloseTo(0, 14);
  });

  it("gives the teacher no gradient, and is the task alone at weight 0", () => {
    const [p, t] = [tensor(1, 3, 4), tensor(2, 3, 4)];
    const by = gradients(taughtLoss(p, t, labels), { p, t });
    expect(Math.max(...evaluate(by.t).data.map(Math.abs))).toBe(0);
    expect(Math.max(...evaluate(by.p).data.map(Math.abs))).toBeGreaterThan(0.01);
    const alone = taughtLoss(p, t, labels, { kdWeight: 0 });
    expect(value(alone)).toBeCloseTo(value(taughtLoss(p, p, labels, { kdWeight: 0 })), 14);
  });
});

describe("routing", () => {
  const pool: Pool = {
    keys: tensor(1, 5, 3),
    gamma: tensor(2, 5, 4),
    beta: tensor(3, 5, 4),
    heads: tensor(4, 5, 2, 4),
  };
  const [queries, hidden] = [tensor(5, 3, 3), tensor(6, 3, 4)];

  it("of a batch equals that of its examples one by one", () => {
    const of = (q: Tensor, h: Tensor) => {
      const routing = routeInstances(q, pool.keys, 2);
      const logits = routedLogits(modulate(h, pool, routing), pool, routing);
      return { chosen: [...evaluate(routing.chosen).data], logits: [...evaluate(logits).data] };
    };
    const all = of(queries, hidden);
    const row = (x: Tensor, n: number, width: number) =>
      constant(Array.from(evaluate(x).data).slice(n * width, (n + 1) * width), [1, width]);
    for (let n = 0; n < 3; n++) {
      const one = of(row(queries, n, 3), row(hidden, n, 4));
      expect(one.chosen).toEqual(all.chosen.slice(2 * n, 2 * n + 2));
      expect(one.logits).toEqual(all.logits.slice(2 * n, 2 * n + 2));
    }
  });

  it("takes the lower number of equal keys, and all sets where it may", () => {
    const keys = constant([1, 0, 0, 1, 1, 0, 2, 0], [4, 2]);
    const query = constant([3, 0], [1, 2]);
    expect([...evaluate(routeInstances(query, keys, 3).chosen).data]).toEqual([0, 2, 3]);
    expect([...evaluate(routeInstances(query, keys, 4).shares).data]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(() => routeInstances(query, keys, 5)).toThrow("1 to 4");
  });

  it("teaches keys through their cosines alone, and survives a query of zeros", () => {
    const routing = routeInstances(queries, pool.keys, 2);
    const logits = routedLogits(modulate(hidden, pool, routing), pool, routing);
    const two = constant([0, 1, 1], [3], "int32");
    const by = (keyWeight: number) =>
      evaluate(gradients(routedLoss(logits, two, routing, keyWeight), { keys: pool.keys }).keys).data;
    expect(Math.max(...by(0).map(Math.abs))).toBe(0);
    expect(Math.max(...by(0.1).map(Math.abs))).toBeGreaterThan(1e-3);
    const nowhere = routeInstances(constant([0, 0, 0], [1, 3]), pool.keys, 1);
    expect([...evaluate(nowhere.similarities).data]).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("two stages", () => {
  const own = { W1: tensor(1, 4, 3), b1: tensor(2, 4), W2: tensor(3, 3, 4), b2: tensor(4, 3) };
  const shared = { P: tensor(5, 2, 4), Q: tensor(6, 3, 2) };
  const x = tensor(7, 3, 3);
  const train = (mu: number, steps: number) =>
    trainInTwoStages({ own, shared }, (w, t) => twoHeadLoss(twoLogits(w, t, x), labels, mu), {
      steps,
      learningRate: 0.1,
    });
  const moved = (before: Tensor, after: Tensor) =>
    Math.max(...evaluate(before).data.map((v, i) => Math.abs(v - evaluate(after).data[i]!)));

  it("move the model, then the adapter, and the loss falls", () => {
    const { losses, ...after } = train(0.4, 2);
    expect(losses).toHaveLength(4);
    const values = losses.map(value);
    expect(values[2]!).toBeLessThan(values[0]!);
    expect(moved(own.W1, after.own.W1)).toBeGreaterThan(1e-3);
    expect(moved(shared.P, after.shared.P)).toBeGreaterThan(1e-3);
  });

  it("leave the adapter where mu is 0, and all without steps", () => {
    expect(moved(shared.P, train(0, 3).shared.P)).toBe(0);
    const still = train(0.4, 0);
    expect([moved(own.W2, still.own.W2), still.losses.length]).toEqual([0, 0]);
  });
});

describe("hard examples", () => {
  it("are scored by the length of the error of their probabilities", () => {
    const logits = constant([0, 0, 0, 50], [2, 2]);
    const scores = Array.from(evaluate(errorNorms(logits, constant([0, 0], [2], "int32"))).data);
    expect(scores[0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(scores[1]).toBeCloseTo(Math.SQRT2, 12);
  });

  it("stay, or the easiest do, or any", () => {
    const scores = [0.3, 0.1, 0.9, 0.3];
    expect(pruneExamples(scores, 0.5)).toEqual([2, 3]);
    expect(pruneExamples(scores, 0.5, "easiest")).toEqual([1, 3]);
    expect(pruneExamples(scores, 0)).toEqual([0, 1, 2, 3]);
    const drawn = [1, 2, 3].map((seed) => pruneExamples(scores, 0.5, randomStream(rootKey(seed))));
    expect(drawn.every(({ length }) => length === 2)).toBe(true);
    expect(new Set(drawn.map(String)).size).toBeGreaterThan(1);
  });
});
