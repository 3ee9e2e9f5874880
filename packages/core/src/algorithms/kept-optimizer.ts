import {
  greater,
  mapTensors,
  mul,
  type Optimizer,
  type OptimizerState,
  sub,
  type Tensor,
  takeStep,
  tensorLeaves,
  trace,
  where,
} from "@anabranch/engine";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { ClientHalf, LocalSettings, ParameterTensors } from "./algorithm.ts";
import type { SgdCarry } from "./local-sgd.ts";

/** Local steps without momentum or decay of the run. */
export const PLAIN_STEPS: LocalSettings = { momentum: 0, nesterov: false, weightDecay: 0 };

/** What a client keeps of its optimizer: the state by path, and 1 once there is one. */
export interface KeptOptimizer {
  readonly optimizer: ParameterTensors;
  readonly visited: Tensor;
}

/** The kept state of the optimizer; its own start at a client's first round. */
export function resumedOptimizer(start: OptimizerState, { optimizer, visited }: KeptOptimizer): OptimizerState {
  const known = greater(visited, 0);
  return mapTensors(start, (own, path) => where(known, optimizer[path]!, own));
}

/** The optimizer of local steps, made for a model and a run. */
export type InnerOptimizer = (model: Layout, run: LocalSettings) => Optimizer;

/** A local step of that optimizer. */
export function optimizerStep<B, C, U>(inner: InnerOptimizer): ClientHalf<B, C, U, SgdCarry>["step"] {
  return ({ parameters, optimizer }, local, settings) => {
    const { loss, gradients } = local.gradient(parameters);
    const next = takeStep(inner(local.model, settings), gradients, optimizer, parameters, local);
    return { carry: { parameters: next.parameters, optimizer: next.state }, loss };
  };
}

/** What a client keeps after its round. */
export function keptOptimizer(optimizer: OptimizerState, { visited }: Pick<KeptOptimizer, "visited">): KeptOptimizer {
  const kept = Object.fromEntries(tensorLeaves(optimizer).map(({ path, leaf }) => [path, leaf]));
  return { optimizer: kept, visited: sub(1, mul(visited, 0)) };
}

/** Names and shapes of an optimizer's whole state for a model, from a trace of its start. */
export function stateLayout(optimizer: Optimizer, model: Layout): Layout {
  const start = trace(({ parameters }) => ({ ...optimizer.init(parameters) }), { parameters: entryTypes(model) });
  return layout(
    start.outputs.map(({ name, tensor }) => ({ name, shape: tensor.shape as number[], role: "vector", block: name })),
  );
}
