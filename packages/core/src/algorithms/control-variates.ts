import { add, div, sub } from "@anabranch/engine";
import type { LocalEnd, LocalStep, ParameterTensors } from "./algorithm.ts";
import { type Broadcast, modelDelta } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";

/** The server's and the client's control variate. */
type Control = { readonly control: ParameterTensors };

/** g - c_i + c: the gradient corrected by the client's and the server's `control` (SCAFFOLD, Algorithm 1, line 8). */
export function controlled(
  gradients: ParameterTensors,
  _y: ParameterTensors,
  { broadcast, state }: LocalStep<Control, Control, unknown>,
): ParameterTensors {
  return combine((g, ci, c) => add(sub(g, ci), c), gradients, state.control, broadcast.control);
}

/** D_i = y - x, and (x - y) / (K eta) - c: what c_i changes by (SCAFFOLD, Algorithm 1, option II). */
export function controlChange(
  y: ParameterTensors,
  local: LocalEnd<Broadcast & Control, Control, unknown>,
): { readonly delta: ParameterTensors; readonly change: ParameterTensors } {
  const delta = modelDelta(y, local);
  const change = combine(
    (d, c) => sub(div(d, local.learningRateSum), c),
    combine((d) => sub(0, d), delta),
    local.broadcast.control,
  );
  return { delta, change };
}
