/**
 * Clients that train alone: each goes on from its own model in every round and exchanges nothing. In the round loop this
 * is a method whose clients keep their model, as the distance from the common start.
 */
import { add, sgd, sub, takeStep } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { vectors } from "../algorithms/method.ts";
import { combine } from "../algorithms/parameter-tensors.ts";
import { stepFrom } from "../algorithms/server.ts";
import { MODEL, uniformMean } from "../algorithms/shapes.ts";
import { PERSONAL } from "../client/personal-half.ts";
import { type HeldParameters, joinParameters } from "../params/standing.ts";
import { copy, type Vector } from "../params/vector.ts";
import type { ClientVectors } from "../round/client-state.ts";

/**
 * Update rule: y_i <- x_0 + o_i;  K times: y_i <- y_i - eta * (g_i(y_i) + wd * y_i);  o_i <- y_i - x_0.
 * `parameters` is the mean of the clients' models, which no client sees.
 */
export const localOnly: Algorithm = {
  name: "local-only",
  options: {},
  ...vectors({
    server: { parameters: MODEL, start: MODEL },
    broadcast: ["start"],
    client: { offset: MODEL },
    upload: { offset: uniformMean(MODEL) },
  }).method({
    personal: { layers: ["statistics"], ifPresent: true },
    start: (parameters) => ({ start: parameters }),
    local: {
      begin({ broadcast: { start }, state: { offset } }, settings) {
        const parameters = combine(add, start, offset);
        return { parameters, optimizer: sgd(settings).init(parameters) };
      },
      step({ parameters, optimizer }, local, settings) {
        const { loss, gradients } = local.gradient(parameters);
        const next = takeStep(sgd(settings), gradients, optimizer, parameters, local);
        return { carry: { parameters: next.parameters, optimizer: next.state }, loss };
      },
      end({ parameters }, { broadcast: { start } }) {
        const offset = combine(sub, parameters, start);
        return { update: { offset }, state: { offset } };
      },
    },
    update: ({ start }, { offset }) => ({ start, parameters: stepFrom(start, 1, offset) }),
  }),
};

/**
 * The model of a client of a local-only run from what it keeps; one that has kept nothing has the start.
 *
 * @param held what is no weight, or frozen; undefined: nothing
 */
export function localModel(start: Vector, kept: ClientVectors | undefined, held?: HeldParameters): Vector {
  const offset = kept?.["offset"];
  const weights = offset === undefined ? copy(start) : (start.map((value, i) => value + offset[i]!) as Vector);
  return held === undefined ? weights : joinParameters(held, weights, kept?.[PERSONAL]);
}
