/**
 * How far the message of dummy examples is from a received one, with its gradient by the examples: the objective of all
 * attacks that search.
 *
 *   squared (DLG): sum over tensors of |g' - G|^2
 *   cosine (IG):   1 - <g', G> / (|g'| |G|) over all parameters together, + tv * TV(x)
 *   TV(x) = mean |x[h, w + 1] - x[h, w]| + mean |x[h + 1, w] - x[h, w]|
 *
 * g' is the gradient of the mean cross-entropy on the dummy examples; with K local steps (w_0 - w_K) / (K eta), the steps
 * unrolled in the graph.
 *
 * Citations: L. Zhu, Z. Liu, S. Han, "Deep Leakage from Gradients", NeurIPS 2019, arXiv:1906.08935; J. Geiping et al.,
 * "Inverting Gradients - How easy is it to break privacy in federated learning?", NeurIPS 2020, arXiv:2003.14053, equation 4.
 */
import {
  AnabranchError,
  abs,
  add,
  compileProgram,
  div,
  type Executor,
  gradients,
  type HostTensor,
  logSoftmax,
  mean,
  mul,
  neg,
  type Program,
  slice,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { combine } from "../algorithms/parameter-tensors.ts";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { executorFloats } from "./executor-floats.ts";
import { requireSearchable } from "./model-view.ts";

/** Most local steps that are unrolled. */
export const MOST_STEPS = 5;
/** Keeps the derivative of a square root finite at 0. */
const TINY = 1e-30;

export interface MatchSettings {
  /** Dummy examples, B. */
  readonly examples: number;
  readonly distance: "squared" | "cosine";
  /** "given": rows of y are class weights; "soft": softmax(y), which is searched for as well. */
  readonly labels: "given" | "soft";
  /** Weight of the total variation of images; default 0. */
  readonly tv?: number | undefined;
  /** Local steps that the attacker assumes, at most 5; default 1. */
  readonly localSteps?: number | undefined;
  /** Examples of a step, where a client takes several steps; default: all. Dummy examples are dealt out in order. */
  readonly batchSize?: number | undefined;
  /** Rate of the local steps; default 1. One step does not depend on it. */
  readonly learningRate?: number | undefined;
  /** Compare only where the message is not 0: what an attacker does who knows that small entries were dropped. */
  readonly onSupport?: boolean | undefined;
}

/** What the server knows: the model that it sent, and the gradient that it received for it, both [d]. */
export interface ReceivedGradient {
  readonly parameters: Vector;
  readonly gradient: Vector;
}

/** The objective and its gradients at some dummy examples. */
export interface MatchValue {
  readonly loss: number;
  /** [B, ...features] */
  readonly x: ArrayLike<number>;
  /** [B, classes]; of soft labels alone. */
  readonly y: ArrayLike<number> | undefined;
}

/** The objective, loaded. */
export interface GradientMatch {
  at(x: Float64Array, y: Float64Array): Promise<MatchValue>;
  release(): Promise<void>;
}

/**
 * Loads the objective of an attack on one message.
 *
 * @param model takes float features as its network does
 * @throws `audit/steps` for more than 5 local steps, `audit/model` for models whose examples cannot be searched for,
 *   `audit/nothing` where the message is all zeros or not finite
 * @example
 * ```ts
 * import { interpreter } from "@anabranch/engine";
 * import { logistic, openMatch } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
 * const settings = { examples: 1, distance: "squared", labels: "given" } as const;
 * const match = await openMatch(model, received, settings, interpreter());
 * const { loss } = await match.at(Float64Array.of(1, 2), Float64Array.of(1, 0));
 * loss; // => 0
 * ```
 */
export async function openMatch(
  model: Model,
  { parameters, gradient }: ReceivedGradient,
  settings: MatchSettings,
  executor: Executor,
): Promise<GradientMatch> {
  requireSomething(gradient);
  const of = layout(model.parameters);
  const executable = await executor.load(matchProgram(model, settings));
  const floats = (values: Vector) => executorFloats(executor, values);
  const fixed = {
    ...parameterInputs("parameters", floats(parameters), of),
    ...parameterInputs("target", floats(gradient), of),
  };
  const { examples } = settings;
  const xShape = [examples, ...model.features.shape];
  return {
    async at(x, y) {
      const outputs = await executable.run({
        ...fixed,
        x: { dtype: "float", shape: xShape, data: floats(x) } satisfies HostTensor,
        y: { dtype: "float", shape: [examples, model.classes], data: floats(y) },
      });
      return { loss: outputs["loss"]!.data[0]!, x: outputs["x"]!.data, y: outputs["y"]?.data };
    },
    release: () => executable.release(),
  };
}

interface MatchInputs {
  readonly parameters: ParameterTensors;
  readonly target: ParameterTensors;
  readonly x: Tensor;
  readonly y: Tensor;
}

function matchProgram(model: Model, settings: MatchSettings): Program {
  const { examples, labels, tv = 0 } = settings;
  const entries = entryTypes(layout(model.parameters));
  const traced = trace(
    (inputs) => {
      const { parameters, target, x, y } = inputs as unknown as MatchInputs;
      const own = dummyMessage(model, settings)(parameters, x, labels === "soft" ? softmax(y) : y);
      const distance = messageDistance(own, target, settings);
      const loss = tv === 0 ? distance : add(distance, mul(totalVariation(x), tv));
      return { loss, ...(labels === "soft" ? gradients(loss, { x, y }) : gradients(loss, { x })) };
    },
    {
      parameters: entries,
      target: entries,
      x: { dtype: "float", shape: [examples, ...model.features.shape] },
      y: { dtype: "float", shape: [examples, model.classes] },
    },
  );
  return compileProgram("gradient-match", traced);
}

/** The message that a client would send for dummy examples, as a gradient. Throws `audit/steps` and `audit/model`. */
export function dummyMessage(
  model: Model,
  { examples, localSteps = 1, batchSize = examples, learningRate = 1 }: MatchSettings,
): (start: ParameterTensors, x: Tensor, y: Tensor) => ParameterTensors {
  requireSearchable(model);
  requireFewSteps(localSteps);
  const slopes = (at: ParameterTensors, x: Tensor, y: Tensor): ParameterTensors => {
    const perExample = sum(mul(y, logSoftmax(model.forward(at, x))), [1]);
    return gradients(neg(mean(perExample)), at);
  };
  return (start, x, y) => {
    if (localSteps === 1) return slopes(start, x, y);
    let now = start;
    for (let step = 0; step < localSteps; step++) {
      const from = (step % Math.ceil(examples / batchSize)) * batchSize;
      const to = Math.min(from + batchSize, examples);
      const slope = slopes(now, rows(x, from, to), rows(y, from, to));
      now = combine((w, g) => sub(w, mul(g, learningRate)), now, slope);
    }
    return combine((before, after) => mul(sub(before, after), 1 / (learningRate * localSteps)), start, now);
  };
}

/** The distance of a dummy message from the received one. */
export function messageDistance(
  dummy: ParameterTensors,
  target: ParameterTensors,
  { distance, onSupport = false }: Pick<MatchSettings, "distance" | "onSupport">,
): Tensor {
  const own = onSupport ? combine((g, received) => mul(g, isThere(received)), dummy, target) : dummy;
  const total = (parts: ParameterTensors): Tensor => Object.values(parts).reduce((all, part) => add(all, part));
  if (distance === "squared") return total(combine((g, received) => sum(square(sub(g, received))), own, target));
  const inner = total(combine((g, received) => sum(mul(g, received)), own, target));
  const norm = (of: ParameterTensors) => sqrt(add(total(combine((g) => sum(square(g)), of)), TINY));
  return sub(1, div(inner, mul(norm(own), norm(target))));
}

/** 1 where an entry is not 0, else 0. */
function isThere(received: Tensor): Tensor {
  return div(square(received), add(square(received), TINY));
}

/** Mean absolute difference of neighbouring pixels, across and down, of images [..., height, width]. */
export function totalVariation(x: Tensor): Tensor {
  const rank = x.shape.length;
  if (rank < 3) {
    throw new AnabranchError({
      code: "audit/image",
      message: "total variation is a measure of images",
      received: `examples of shape [${x.shape.slice(1).join(", ")}]`,
      expected: "[height, width] or [channels, height, width]",
      advice: "Set the weight of the total variation to 0.",
    });
  }
  const part = (axis: number, from: number, to: number) => {
    const extent = x.shape[axis] as number;
    const starts = x.shape.map((_, i) => (i === axis ? from : 0));
    return slice(
      x,
      starts,
      x.shape.map((size, i) => (i === axis ? extent + to : size)),
    );
  };
  const variation = (axis: number) => mean(abs(sub(part(axis, 1, 0), part(axis, 0, -1))));
  return add(variation(rank - 1), variation(rank - 2));
}

function rows(x: Tensor, from: number, to: number): Tensor {
  return slice(
    x,
    x.shape.map((_, i) => (i === 0 ? from : 0)),
    x.shape.map((size, i) => (i === 0 ? to : size)),
  );
}

function requireFewSteps(steps: number): void {
  if (steps <= MOST_STEPS) return;
  throw new AnabranchError({
    code: "audit/steps",
    message: "too many local steps to unroll: the graph and its gradients grow with each",
    received: `${steps} local steps`,
    expected: `at most ${MOST_STEPS}`,
    advice: `Audit the worst case with --steps 1, or another attack: fc and labels take any number of steps.`,
  });
}

/** A message of zeros tells nothing, and its direction is not defined. */
function requireSomething(gradient: Vector): void {
  let sum = 0;
  for (const value of gradient) sum += value * value;
  if (sum > 0 && Number.isFinite(sum)) return;
  throw new AnabranchError({
    code: "audit/nothing",
    message: "the message has no information to search with",
    received: sum === 0 ? "zeros" : "values that are not finite",
    expected: "a finite message that is not all zeros",
  });
}
