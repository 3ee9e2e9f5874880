import {
  mul,
  type NamedTensors,
  type Optimizer,
  type OptimizerState,
  sub,
  type WarmStart,
  withPrefix,
} from "@anabranch/engine";
import { entryTypes, type Layout } from "../params/layout.ts";
import type {
  ClientHalf,
  ClientResult,
  Local,
  LocalEnd,
  LocalSettings,
  LocalStep,
  ParameterTensors,
} from "./algorithm.ts";
import type { Curvature } from "./curvature.ts";
import type { Broadcast } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";

/** What a method says of local steps that an optimizer takes. */
export interface OptimizerRule<B extends Broadcast, C, U> {
  optimizer(model: Layout, settings: LocalSettings): Optimizer;
  /** For optimizers that ask for one. */
  readonly curvature?: Curvature | undefined;
  /** Where the optimizer starts from, given its own first preconditioner. Default and undefined: from that one. */
  start?(own: NamedTensors, local: Local<B, C, U>): WarmStart | undefined;
  /** What a step goes along, given the direction of the optimizer; default: that one. */
  direction?(own: ParameterTensors, local: LocalStep<B, C, U>): ParameterTensors;
  /** What is uploaded and kept, given the last preconditioner. */
  result(parameters: ParameterTensors, preconditioner: NamedTensors, local: LocalEnd<B, C, U>): ClientResult<C, U>;
}

type Carry = { readonly parameters: ParameterTensors; readonly optimizer: OptimizerState };

/**
 * K steps of a local optimizer from the broadcast model: y <- y - eta * direction(P(g(y))), weight decay included in P.
 *
 * @example
 * ```ts
 * import { modelDelta, optimizerSteps } from "@anabranch/core";
 * import { adamw } from "@anabranch/engine";
 * const half = optimizerSteps({
 *   optimizer: (_model, settings) => adamw(settings),
 *   result: (parameters, _preconditioner, local) => {
 *     return { update: { delta: modelDelta(parameters, local) }, state: {} };
 *   },
 * });
 * typeof half.step; // => "function"
 * ```
 */
export function optimizerSteps<B extends Broadcast, C, U>(
  rule: NoInfer<OptimizerRule<B, C, U>>,
): ClientHalf<B, C, U, Carry> {
  const { curvature } = rule;
  return {
    ...(curvature === undefined ? {} : { draws: curvature.draws }),
    begin(local, settings) {
      const { parameters } = local.broadcast;
      const optimizer = rule.optimizer(local.model, settings);
      const own = optimizer.init(parameters);
      const start = rule.start?.(own.preconditioner, local);
      return { parameters, optimizer: start === undefined ? own : optimizer.init(parameters, start) };
    },
    step({ parameters, optimizer }, local, settings) {
      const { loss, gradients } = local.gradient(parameters);
      const context =
        curvature === undefined ? local : { ...local, curvature: () => curvature.estimate(parameters, local) };
      const own = rule.optimizer(local.model, settings).direction(gradients, optimizer, parameters, context);
      const direction = rule.direction?.(own.direction, local) ?? own.direction;
      const next = combine((y, u) => sub(y, mul(u, local.learningRate)), parameters, direction);
      return { carry: { parameters: next, optimizer: own.state }, loss };
    },
    end: ({ parameters, optimizer }, local) => rule.result(parameters, optimizer.preconditioner, local),
    refresh: (model, settings) => withPrefix("optimizer", rule.optimizer(model, settings).refresh?.(entryTypes(model))),
  };
}
