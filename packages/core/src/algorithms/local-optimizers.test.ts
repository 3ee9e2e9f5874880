import { onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { algorithmCases, type OnQuadratics } from "../conformance/algorithm.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";
import { fedpac } from "./fedpac.ts";
import { local } from "./local.ts";
import { optimizerShape } from "./local-optimizer.ts";

type Options = Parameters<typeof local>[0];
type Problem = Omit<Parameters<typeof traceQuadratics>[0], "algorithm">;

/** The coordinates as a matrix of one row: the Gram matrices of its axes have 1 and 9 elements. */
const form = { shape: [1, 3] };
const d = 3;

/** Each optimizer with the size of its preconditioner, and a setting in which it comes near the minimum. */
const family: Record<string, { options: Options; size: number; converges: OnQuadratics["converges"] }> = {
  sgd: { options: { optimizer: "sgd" }, size: 0, converges: { rounds: 100, learningRate: 0.1, within: 1e-6 } },
  adam: { options: { optimizer: "adam" }, size: 3, converges: { rounds: 300, learningRate: 0.01, within: 0.02 } },
  adamw: { options: { optimizer: "adamw" }, size: 3, converges: { rounds: 300, learningRate: 0.01, within: 0.02 } },
  muon: { options: { optimizer: "muon" }, size: 3, converges: { rounds: 300, learningRate: 0.005, within: 0.02 } },
  sophia: {
    options: { optimizer: "sophia", estimator: "hutchinson", clipRatio: 1, beta1: 0, beta2: 0.5, refreshEvery: 2 },
    size: 3,
    converges: { rounds: 300, learningRate: 0.02, within: 0.02 },
  },
  soap: {
    options: { optimizer: "soap", refreshEvery: 2 },
    size: 10,
    converges: { rounds: 300, learningRate: 0.01, within: 0.05 },
  },
  shampoo: {
    options: { optimizer: "shampoo", refreshEvery: 2 },
    size: 10,
    converges: { rounds: 300, learningRate: 0.05, within: 0.1 },
  },
};

it("every optimizer is tested", () => {
  expect(Object.keys(family)).toEqual(optimizerShape.optimizer.options);
});

const native = await onnxruntimeNode();

/**
 * SOAP steps along eigenvectors. The Gram matrix of one gradient has one eigenvalue besides 0, whose eigenvectors are any
 * basis: rounding chooses another one, and other steps follow from it.
 */
const casesOf = (optimizer: string, subject: OnQuadratics) =>
  algorithmCases(subject, native).filter(({ name }) => optimizer !== "soap" || !name.includes("up to rounding"));

describe.each(Object.entries(family))("local steps of %s", (optimizer, { options, converges, size }) => {
  const whole = { create: () => local(options), form, wire: { down: 1, up: 1 }, converges };
  for (const { name, run } of casesOf(optimizer, whole)) it(`in Local: ${name}`, run);
  // model, direction, preconditioner and step count down; model and preconditioner up
  const wire = { down: 2 + (size + 1) / d, up: 1 + size / d };
  const aligned = { create: () => fedpac({ ...options, directionShare: 0.3 }), form, wire, converges };
  for (const { name, run } of casesOf(optimizer, aligned)) it(`in FedPAC: ${name}`, run);
});

describe("FedPAC", () => {
  const trace = async (algorithm: object, changes: Partial<Problem> = {}) =>
    (await traceQuadratics({ ...HETEROGENEOUS, ...form, ...changes, algorithm } as never)).rounds;

  it.each(["sophia", "soap", "shampoo"])("with %s is the local optimizer in the first round", async (name) => {
    const { options } = family[name]!;
    const first = { cohorts: [[0, 1]] };
    const ours = await trace({ name: "fedpac", ...options, directionShare: 0 }, first);
    expect(ours).toEqual(await trace({ name: "local", ...options }, first));
  });

  it("carries Shampoo's factors over rounds: 2 rounds of 3 steps are one of 6", async () => {
    const shampoo = { optimizer: "shampoo", refreshEvery: 1, directionShare: 0 };
    const [, second] = await trace({ name: "fedpac", ...shampoo }, { cohorts: [[0], [0]] });
    const { directionShare: _, ...alone } = shampoo;
    const [unbroken] = await trace({ name: "local", ...alone }, { cohorts: [[0]], localSteps: 6 });
    second!.forEach((x, j) => {
      expect(x).toBeCloseTo(unbroken![j]!, 12);
    });
  });

  it("with Sophia moves by share * Dbar where gradients vanish and m is 0", async () => {
    const problem = { a: [HETEROGENEOUS.a[0]!, [0, 0, 0]], b: HETEROGENEOUS.b.slice(0, 2), cohorts: [[0], [1]] };
    const [first, second] = await trace({ name: "fedpac", ...family["sophia"]!.options, directionShare: 0.3 }, problem);
    first!.forEach((x, j) => {
      expect(second![j]!).toBeCloseTo(x + 0.3 * (x - HETEROGENEOUS.x0[j]!), 12);
    });
  });
});

it("clips Sophia by the paper's gamma for each estimate, unless another is given", async () => {
  // at a minimum's side m = 0.04 g and h = 0.01 a: clipped where 0.04 |y - b| > gamma 0.01
  const near = { a: [[1]], b: [[0.001]], x0: [0], localSteps: 1, cohorts: [[0]] };
  const sophia = { name: "local", optimizer: "sophia", estimator: "hutchinson" };
  const first = async (options: object) =>
    (await traceQuadratics({ ...HETEROGENEOUS, ...near, algorithm: { ...sophia, ...options } })).rounds[0]![0]!;
  expect(await first({})).toBeCloseTo((0.1 * 0.04 * 0.001) / (0.01 * 0.01), 12);
  expect(await first({ clipRatio: 0.05 })).toBeCloseTo((0.1 * 0.04 * 0.001) / (0.05 * 0.01), 12);
});

it("refuses labels drawn from a model that describes no distribution", async () => {
  const algorithm = { name: "local", optimizer: "sophia" };
  await expect(traceQuadratics({ ...HETEROGENEOUS, algorithm })).rejects.toThrow(/sample/);
});
