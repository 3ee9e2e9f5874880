import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { formatShape } from "../graph/shape.ts";
import { byPath, fromPaths, type NamedTensors, type TensorTree } from "../graph/trace.ts";
import { add, mul } from "../ops/elementwise.ts";
import { reshape } from "../ops/shape.ts";
import { type AdamwOptions, adamw } from "./adamw.ts";
import { newtonSchulz } from "./newton-schulz.ts";
import { combineTrees, type Optimizer, type OptimizerState, requireOption, zerosLike } from "./optimizer.ts";

export interface MuonOptions {
  /** mu in [0, 1). Default 0.95. */
  readonly momentum?: number;
  /** Looks one momentum step ahead. Default true. */
  readonly nesterov?: boolean;
  /** Newton-Schulz iterations. Default 5. */
  readonly iterations?: number;
  /** Decoupled. Default 0. */
  readonly weightDecay?: number;
  /** c: the learning rate of the matrices is c times that of the rest. Default 1. */
  readonly matrixRate?: number;
  /** Paths of matrices that AdamW trains, e.g. embeddings and the head. Default none. */
  readonly exclude?: readonly string[];
  /** AdamW for all that is no matrix. Default beta1 0.9, beta2 0.95, epsilon 1e-10, the weight decay above. */
  readonly auxiliary?: AdamwOptions;
}

/** State of Muon: the momentum of the matrices as the preconditioner, and AdamW's state for the rest. */
export type MuonState = { readonly preconditioner: NamedTensors; readonly auxiliary: OptimizerState };

/**
 * Momentum whose singular values are all brought near 1, for parameters W of two axes or more; AdamW for the others:
 *
 *   M <- mu * M + (1 - mu) * G;  U = (1 - mu) * G + mu * M (Nesterov) or M
 *   W <- W - eta * c * (sqrt(max(1, outputs / inputs)) * newtonSchulz(U) + weightDecay * W)
 *
 * Convention: the last two axes of a matrix are [inputs, outputs], as `nn.dense` stores it; further ones before them are a
 * batch. Newton-Schulz commutes with transposition, so the step is that of the reference, which stores [outputs, inputs]
 * and writes rows / columns; an embedding [rows, width] counts as the dense map of a one-hot row. A convolution kernel
 * [out, in, kh, kw] is one matrix [out, in * kh * kw] of scale 1, as in the reference for square kernels.
 * A warm start replaces M; AdamW always begins anew.
 * Reference: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; it iterates in
 * bfloat16, here in the executor's floats.
 *
 * @example
 * ```ts
 * import { constant, muon, takeStep } from "@anabranch/engine";
 * const optimizer = muon();
 * const p = { w: constant([1, 0, 0, 1], [2, 2]) };
 * const g = { w: constant([2, 0, 0, 1], [2, 2]) };
 * const next = takeStep(optimizer, g, optimizer.init(p), p, { learningRate: 0.1 });
 * next.parameters.w.shape; // => [2, 2]
 * ```
 */
export function muon(options: MuonOptions = {}): Optimizer {
  const { momentum = 0.95, nesterov = true, iterations = 5, weightDecay = 0, matrixRate = 1, exclude = [] } = options;
  requireOption("muon", "momentum", momentum, momentum >= 0 && momentum < 1, "0 <= momentum < 1");
  requireOption("muon", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  requireOption("muon", "matrixRate", matrixRate, matrixRate > 0, "more than 0");
  const whole = Number.isInteger(iterations) && iterations >= 1;
  requireOption("muon", "iterations", iterations, whole, "a positive integer");
  const auxiliary = adamw({ beta2: 0.95, epsilon: 1e-10, weightDecay, ...options.auxiliary });
  const split = (tree: TensorTree) => splitMatrices(byPath(tree), exclude);
  const average = (m: Tensor, g: Tensor) => add(mul(m, momentum), mul(g, 1 - momentum));
  const matrixStep = (w: Tensor, m: Tensor, g: Tensor) => {
    const orthogonal = orthogonalize(nesterov ? average(m, g) : m, iterations);
    const scaled = mul(orthogonal, matrixRate * scaleOf(w.shape as readonly number[]));
    return weightDecay === 0 ? scaled : add(scaled, mul(w, matrixRate * weightDecay));
  };
  return {
    init(parameters, warm) {
      const { matrices, rest } = split(parameters);
      requireMatrices(parameters, matrices, exclude);
      const preconditioner = warm?.preconditioner ?? zerosLike(matrices);
      return { preconditioner, auxiliary: auxiliary.init(rest) } satisfies MuonState;
    },
    direction(gradients, state, parameters, context) {
      combineTrees("muon", (_path, p) => p, parameters, gradients); // refuses another structure
      const { preconditioner, auxiliary: own } = state as MuonState;
      const [p, g] = [split(parameters), split(gradients)];
      const next = combineTrees("muon", (_path, m, x) => average(m, x), preconditioner, g.matrices);
      const steps = combineTrees("muon", (_path, w, m, x) => matrixStep(w, m, x), p.matrices, next, g.matrices);
      const other = auxiliary.direction(g.rest, own, p.rest, context);
      return {
        direction: fromPaths(parameters, { ...steps, ...other.direction }),
        state: { preconditioner: next, auxiliary: other.state } satisfies MuonState,
      };
    },
  };
}

/** Newton-Schulz on a parameter of any shape with two axes or more. */
function orthogonalize(u: Tensor, iterations: number): Tensor {
  if (u.shape.length < 4) return newtonSchulz(u, { iterations });
  const [outputs, ...others] = u.shape as readonly number[];
  const matrix = reshape(u, [outputs!, others.reduce((a, b) => a * b, 1)]);
  return reshape(newtonSchulz(matrix, { iterations }), u.shape);
}

/** sqrt(max(1, outputs / inputs)); 1 for convolution kernels. */
function scaleOf(shape: readonly number[]): number {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  return shape.length > 3 ? 1 : Math.sqrt(Math.max(1, outputs / inputs));
}

function splitMatrices(
  named: NamedTensors,
  exclude: readonly string[],
): { matrices: NamedTensors; rest: NamedTensors } {
  const matrices: Record<string, Tensor> = {};
  const rest: Record<string, Tensor> = {};
  for (const [path, leaf] of Object.entries(named)) {
    (leaf.shape.length >= 2 && !exclude.includes(path) ? matrices : rest)[path] = leaf;
  }
  return { matrices, rest };
}

function requireMatrices(parameters: TensorTree, matrices: NamedTensors, exclude: readonly string[]): void {
  const named = byPath(parameters);
  const unknown = exclude.filter((path) => named[path] === undefined);
  if (unknown.length > 0) {
    throw new AnabranchError({
      code: "engine/option",
      message: "muon excludes something that is not a parameter",
      where: "muon, exclude",
      received: unknown.join(", "),
      expected: `paths among ${Object.keys(named).join(", ")}`,
      advice: "Give whole paths of parameters.",
    });
  }
  if (Object.keys(matrices).length > 0) return;
  const shapes = Object.entries(named).map(([path, { shape }]) => `${path} ${formatShape(shape)}`);
  throw new AnabranchError({
    code: "engine/no-matrix",
    message: "muon needs a matrix: all parameters would go to AdamW",
    where: "muon",
    received: `${shapes.join(", ") || "no parameters"}${exclude.length > 0 ? `; excluded: ${exclude.join(", ")}` : ""}`,
    expected: "a parameter of two axes or more that is not excluded",
    advice: "Use adamw, or exclude less.",
  });
}
