import {
  add,
  div,
  type Executor,
  gaussNewtonBartlett,
  interpreter,
  mul,
  onnxruntimeNode,
  type TensorTree,
} from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm, DrawSpec, LocalStep, ParameterTensors } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { combine } from "../algorithms/parameter-tensors.ts";
import { resolveConfig } from "../config/index.ts";
import { runCohort } from "../conformance/run-cohort.ts";
import type { ArrayDataset } from "../data/index.ts";
import { entryView } from "../params/layout.ts";
import type { Outcome } from "../round/backend.ts";
import { inProcessSimulation } from "./in-process.ts";
import { type PreparedRun, prepareRun } from "./prepare.ts";
import { prepareQuadratics } from "./quadratics.ts";

/** Stays where it is and uploads the mean over the local steps of what it measures at the model. */
function measuring(
  draws: Readonly<Record<string, DrawSpec>>,
  measure: (parameters: ParameterTensors, local: LocalStep) => ParameterTensors,
): Algorithm {
  return {
    ...fedavg(),
    name: "measuring",
    client: {
      draws,
      begin: (local) => combine((x) => mul(x, 0), local.broadcast["parameters"]!) as TensorTree,
      step(carry, local) {
        const at = local.broadcast["parameters"]!;
        const total = combine(add, carry as ParameterTensors, measure(at, local));
        return { carry: total as TensorTree, loss: local.gradient(at).loss };
      },
      end: (carry, { steps }) => ({
        update: { delta: combine((total) => div(total, steps), carry as ParameterTensors) },
        state: {},
      }),
    },
  };
}

const hutchinsonEstimate = measuring({ probe: { kind: "signs" } }, (at, local) => {
  const signs = local.draws.signs("probe");
  return combine(mul, signs, local.hessianProduct(at, signs));
});

const gaussNewtonEstimate = measuring({ labels: { kind: "uniform" } }, (at, local) => {
  const { gradients, terms } = local.sampledGradient(at, local.draws.uniform("labels"));
  return gaussNewtonBartlett(gradients, terms);
});

/** What client 0 uploads in round 1. */
async function upload({ plan, simulation }: Pick<PreparedRun, "plan" | "simulation">, executor: Executor) {
  const { backend, close } = await inProcessSimulation(simulation, executor);
  const outcomes: Outcome[] = [];
  const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
  const request = { broadcast, cohort: [0], learningRate: 0.1 };
  await runCohort(backend, request, (outcome) => void outcomes.push(outcome));
  await close();
  const [outcome] = outcomes;
  if (outcome === undefined || "failure" in outcome) throw new Error(outcome?.failure.message);
  return outcome.update.vectors["delta"]!;
}

const points: ArrayDataset = {
  name: "points",
  features: {
    dtype: "float",
    shape: [5, 2],
    data: Float32Array.of(1, 0.5, -1, 2, 0.25, -0.5, 2, 1, -1.5, 0.75),
  },
  labels: { dtype: "uint8", shape: [5], data: Uint8Array.of(0, 1, 2, 0, 1) },
  classes: 3,
};
const weights = {
  "linear.weight": { shape: [2, 3], data: Float32Array.of(0.3, -0.2, 0.1, 0.5, 0.4, -0.6) },
  "linear.bias": { shape: [3], data: Float32Array.of(0.1, 0, -0.1) },
};

/** Of W[j, c]: the mean over the rows of x_j^2 p_c (1 - p_c). */
function gaussNewtonDiagonal(): number[] {
  const [w, bias] = [weights["linear.weight"].data, weights["linear.bias"].data];
  const diagonal = new Array<number>(6).fill(0);
  for (let row = 0; row < 5; row++) {
    const [a, b] = [points.features.data[2 * row]!, points.features.data[2 * row + 1]!];
    const logits = [0, 1, 2].map((c) => a * w[c]! + b * w[3 + c]! + bias[c]!);
    const total = logits.reduce((sum, v) => sum + Math.exp(v), 0);
    for (const [c, v] of logits.entries()) {
      const p = Math.exp(v) / total;
      diagonal[c]! += (a * a * p * (1 - p)) / 5;
      diagonal[3 + c]! += (b * b * p * (1 - p)) / 5;
    }
  }
  return diagonal;
}

describe("curvature in local steps", () => {
  const quadratics = {
    a: [[3, -2, 0.5]],
    b: [[1, -1, 2]],
    x0: [0.3, 0.1, -0.2],
    learningRate: 0.1,
    localSteps: 2,
    cohorts: [[0]],
  };

  it("by signs is the Hessian's diagonal, exactly, on a quadratic", async () => {
    const executor = interpreter();
    const delta = await upload(prepareQuadratics(hutchinsonEstimate, quadratics, executor), executor);
    expect(Array.from(delta)).toEqual([3, -2, 0.5]);
  });

  it("counts as work by the share of steps that draw", () => {
    const rare = measuring({ probe: { kind: "signs", every: 10 } }, (at, local) => {
      const signs = local.draws.signs("probe");
      return local.hessianProduct(at, signs);
    });
    const count = (algorithm: Algorithm) =>
      prepareQuadratics(algorithm, quadratics, interpreter()).simulation.gradientsPerStep;
    expect([count(hutchinsonEstimate), count(rare)]).toEqual([3, 1.2]);
  });

  // of softmax regression the Hessian is the Gauss-Newton matrix; the gradient would be clipped to 1e-3
  it.each([
    ["sampled labels", gaussNewtonEstimate],
    ["signs", hutchinsonEstimate],
  ])("by %s tends to the Gauss-Newton diagonal; padded rows do not count", async (_by, algorithm) => {
    const config = resolveConfig({
      seed: 5,
      data: { clients: 1, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      // one batch of 8 holds the 5 rows and 3 of padding
      training: { batchSize: 8, localSteps: 4000, gradientClip: 1e-3 },
      sampler: { cohort: 1 },
    });
    const executor = await onnxruntimeNode();
    const own = { algorithm, weights: { tensors: weights } };
    const run = prepareRun(config, { train: points, test: points }, { ...executor, fingerprint: "" }, 0, "t", own);
    const delta = await upload(run, executor);
    const entry = run.plan.layout.entries.find(({ shape }) => shape.length === 2)!;
    const estimated = entryView(delta, entry);
    // an estimate scatters by about 1.4 of its mean, the mean of 4000 by 0.022; four of those
    for (const [i, v] of gaussNewtonDiagonal().entries()) expect(Math.abs(estimated[i]! / v - 1)).toBeLessThan(0.09);
  });

  it("by sampled labels is refused where a model has none to sample", () => {
    expect(() => prepareQuadratics(gaussNewtonEstimate, quadratics, interpreter())).toThrow(
      /cannot draw labels from its own outputs.*model quadratic/,
    );
  });
});
