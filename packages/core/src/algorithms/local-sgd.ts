import { type OptimizerState, sgd, sub, takeStep } from "@anabranch/engine";
import type { ClientHalf, ClientResult, LocalEnd, LocalStep, ParameterTensors } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";

/** What goes down at least. */
export type Broadcast = { readonly parameters: ParameterTensors };
type Delta = { readonly delta: ParameterTensors };
type Nothing = Readonly<Record<string, never>>;

/** What a method changes in plain local SGD. */
export interface LocalRule<B extends Broadcast, C, U> {
  /** Where the mini-batch gradient is taken; default: at the local model. */
  at?(parameters: ParameterTensors, local: LocalStep<B, C, U>): ParameterTensors;
  /** The direction of one step from the mini-batch gradient; default: the gradient itself. */
  direction?(gradients: ParameterTensors, parameters: ParameterTensors, local: LocalStep<B, C, U>): ParameterTensors;
}

/** A rule whose clients send something else than the difference of the model. */
export interface LocalRuleWithResult<B extends Broadcast, C, U> extends LocalRule<B, C, U> {
  /** What is uploaded and kept. */
  result(parameters: ParameterTensors, local: LocalEnd<B, C, U>): ClientResult<C, U>;
}

/** What local SGD carries. */
export type SgdCarry = { readonly parameters: ParameterTensors; readonly optimizer: OptimizerState };

/**
 * K steps of SGD from the broadcast model: y <- y - eta * (direction(g(y)) + weightDecay * y), with local momentum where
 * the run asks for it. The shared inner loop of the methods that correct the gradient. Without `result` clients send
 * `delta`, the difference of the model.
 *
 * @example
 * ```ts
 * import { add, mul, sub } from "@anabranch/engine";
 * import { combine, localSgd } from "@anabranch/core";
 * // the client half of FedProx: pull towards the broadcast model with strength 0.1
 * const half = localSgd({
 *   direction: (gradients, y, { broadcast }) =>
 *     combine((g, pull) => add(g, mul(0.1, pull)), gradients, combine(sub, y, broadcast.parameters)),
 * });
 * typeof half.step; // => "function"
 * ```
 */
export function localSgd<B extends Broadcast, C, U>(
  rule: NoInfer<LocalRuleWithResult<B, C, U>>,
): ClientHalf<B, C, U, SgdCarry>;
export function localSgd<B extends Broadcast>(
  rule?: NoInfer<LocalRule<B, Nothing, Delta>>,
): ClientHalf<B, Nothing, Delta, SgdCarry>;
export function localSgd<B extends Broadcast, C, U>(
  rule: LocalRule<B, C, U> & Partial<LocalRuleWithResult<B, C, U>> = {},
): ClientHalf<B, C, U, SgdCarry> {
  return {
    begin({ broadcast: { parameters } }, settings) {
      return { parameters, optimizer: sgd(settings).init(parameters) };
    },
    step({ parameters, optimizer }, local, settings) {
      const { loss, gradients } = local.gradient(rule.at?.(parameters, local) ?? parameters);
      const direction = rule.direction?.(gradients, parameters, local) ?? gradients;
      const next = takeStep(sgd(settings), direction, optimizer, parameters, local);
      return { carry: { parameters: next.parameters, optimizer: next.state }, loss };
    },
    end({ parameters }, local) {
      return (
        rule.result?.(parameters, local) ?? { update: { delta: modelDelta(parameters, local) } as U, state: {} as C }
      );
    },
  };
}

/**
 * D_i = y_K - x.
 *
 * @example
 * ```ts
 * import { combine, defineMethod, localSgd, MODEL, modelDelta, stepFrom } from "@anabranch/core";
 * import { traceFederation, vectors, weightedMean } from "@anabranch/core";
 * import { mul } from "@anabranch/engine";
 * import * as z from "zod";
 * // clients send twice the change of their model
 * const twice = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
 *   local: localSgd({
 *     result: (y, local) => ({ update: { delta: combine((d) => mul(2, d), modelDelta(y, local)) }, state: {} }),
 *   }),
 *   update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
 * });
 * const method = defineMethod({ name: "twice", options: z.strictObject({}), build: () => twice });
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.25, localSteps: 1, cohorts: [[0]] };
 * (await traceFederation(method({}), problem)).rounds; // => [[1]]
 * ```
 */
export function modelDelta(
  parameters: ParameterTensors,
  { broadcast }: LocalEnd<Broadcast, unknown, unknown>,
): ParameterTensors {
  return combine(sub, parameters, broadcast.parameters);
}
