import { greater, mapTensors, type Optimizer, type OptimizerState, type Tensor, trace, where } from "@anabranch/engine";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { LocalSettings, ParameterTensors } from "./algorithm.ts";

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

/** Names and shapes of an optimizer's whole state for a model, from a trace of its start. */
export function stateLayout(optimizer: Optimizer, model: Layout): Layout {
  const start = trace(({ parameters }) => ({ ...optimizer.init(parameters) }), { parameters: entryTypes(model) });
  return layout(
    start.outputs.map(({ name, tensor }) => ({ name, shape: tensor.shape as number[], role: "vector", block: name })),
  );
}
