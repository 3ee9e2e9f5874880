import { concat, constant, evaluate, slice, sum, type Tensor, valueAndGrad } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  charTransformer,
  type Model,
  type ModelParameters,
  mlp,
  withAdapters,
  withBottlenecks,
} from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { type DualUse, withDualAdapters } from "./dual-adapters.ts";

const wave = (seed: number, size: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i + seed));
const base = withBottlenecks(mlp({ input: [4], inputType: "float", hidden: [5], classes: 3 }), { units: 2 });
const x = constant([wave(9, 4), wave(20, 4)].flat(), [2, 4]);
const labels = constant([2, 0], [2], "uint8");
const training = { masks: {} };

function valuesOf({ parameters }: Model): Record<string, Tensor> {
  const { entries } = layout(parameters);
  return Object.fromEntries(entries.map(({ name, size, shape }, i) => [name, constant(wave(i + 1, size), shape)]));
}

/** The same with a1, a0 or a2 of the same values. */
function alike(values: ModelParameters, from: string, to: string): Record<string, Tensor> {
  const renamed = Object.entries(values).filter(([name]) => name.includes(`.${from}.`));
  const names = (name: string) => (to === "received" ? `received.${name}` : name.replace(`.${from}.`, `.${to}.`));
  return { ...values, ...Object.fromEntries(renamed.map(([name, value]) => [names(name), value])) };
}

/** The first rows of one and the second ones of another. */
const joinedRows = (one: Tensor, other: Tensor) =>
  concat([slice(one, [0, 0], [2, 3]), slice(other, [2, 0], [4, 3])], 0);
const numbers = (tensor: Tensor) => Array.from(evaluate(tensor).data);
const dual = (use: DualUse, kdWeight = 0.5) => withDualAdapters(base, { use, kdWeight });

describe("two adapters after a layer", () => {
  const model = dual("dual");
  const values = valuesOf(model);

  it("have nothing to learn from each other where all three are alike", () => {
    const same = alike(alike(values, "adapter", "local"), "adapter", "received");
    const only = dual("dual", 1);
    const losses = (given: ModelParameters) => numbers(only.losses(only.forward(given, x, training), labels));
    for (const loss of losses(same)) expect(loss).toBeCloseTo(0, 14);
    for (const loss of losses(values)) expect(loss).toBeGreaterThan(1e-3);
  });

  it("are compared with the shared one as received, which stays as it is", () => {
    const received = alike(values, "adapter", "received");
    const start = numbers(model.forward(received, x, training));
    const moved = { ...received, "dense1.adapter.up.bias": constant([1, 2, -1, 0.5, 1], [5]) };
    const after = numbers(model.forward(moved, x, training));
    expect(after.slice(0, 6)).not.toEqual(start.slice(0, 6));
    expect(after.slice(6)).toEqual(start.slice(6));
  });

  it("learn from their own outputs alone", () => {
    const received = alike(values, "adapter", "received");
    const [own, adapters, fixed] = [".local.", ".adapter.", "received."];
    const of = (part: string, given: ModelParameters) =>
      Object.fromEntries(Object.entries(given).filter(([name]) => name.includes(part) && !name.startsWith(fixed)));
    const gradient = (part: string, rows: "all" | "first" | "second") => {
      const { gradients } = valueAndGrad(
        (trained: ModelParameters) => {
          const outputs = model.forward({ ...received, ...trained }, x, training);
          const others = model.forward(received, x, training);
          const mixed = rows === "all" ? outputs : rows === "first" ? [outputs, others] : [others, outputs];
          const joined = Array.isArray(mixed) ? joinedRows(mixed[0]!, mixed[1]!) : mixed;
          return sum(model.losses(joined, labels));
        },
        of(part, received),
      );
      return Object.values(gradients as ModelParameters).flatMap(numbers);
    };
    const zero = (found: readonly number[]) => found.every((value) => value === 0);
    expect(gradient(adapters, "first")).toEqual(gradient(adapters, "all"));
    expect(gradient(own, "second")).toEqual(gradient(own, "all"));
    expect(zero(gradient(own, "first"))).toBe(true);
    expect(zero(gradient(adapters, "second"))).toBe(true);
    expect(zero(gradient(adapters, "all"))).toBe(false);
  });

  it("are in use as settings say", () => {
    const outputs = (use: DualUse, given: ModelParameters) => numbers(dual(use).forward(given, x));
    const [both, local, shared] = (["dual", "local", "shared"] as const).map((use) => outputs(use, values));
    expect(new Set([both, local, shared].map((one) => JSON.stringify(one))).size).toBe(3);
    expect(shared).toEqual(numbers(base.forward(values, x)));
    expect(local).toEqual(outputs("shared", alike(values, "local", "adapter")));
    const same = alike(values, "adapter", "local");
    expect(outputs("dual", same)).toEqual(outputs("shared", same).map((value) => expect.closeTo(value, 14)));
  });

  it.each([
    ["no bottleneck adapters", mlp({ input: [4], hidden: [5], classes: 3 })],
    ["no bottleneck adapters", withAdapters(mlp({ input: [4], hidden: [5], classes: 3 }), { rank: 1 })],
    [
      "one class per example",
      withBottlenecks(charTransformer({ input: [6], classes: 5, width: 4, depth: 1 }), { units: 1 }),
    ],
  ])("refuse %s", (message, configured) => {
    expect(() => withDualAdapters(configured, { use: "dual" })).toThrow(
      expect.objectContaining({ code: "adapters/dual", message: expect.stringContaining(message) }),
    );
  });
});
