/**
 * An algorithm of your own: FedAvg whose clients ignore gradient coordinates that disagree in sign with the last global
 * update (half of their step). Use it with `[algorithm] file = "examples/own-algorithm.ts"`.
 */
import { type Algorithm, combine, localSgd, stepFrom, zeros } from "@anabranch/core";
import { cast, less, mul, sub } from "@anabranch/engine";

export default function signDamped({ damping = 0.5 }: { damping?: number } = {}): Algorithm {
  return {
    name: "sign-damped",
    options: { damping },
    // named vectors down, up and kept on clients; each has the layout of the model
    exchange: (model) => ({
      down: { parameters: model, direction: model },
      up: { delta: { layout: model, aggregation: "weightedMean" } },
      client: {},
    }),
    init: (parameters) => ({ vectors: { parameters, direction: zeros(parameters) }, scalars: {} }),
    // traced once into a graph: g * (1 - damping * [g and the last update point the same way])
    client: localSgd({
      direction: (gradients, _y, local) =>
        combine(
          (g, d) => mul(g, sub(1, mul(cast(less(0, mul(g, d)), "float"), damping))),
          gradients,
          local.broadcast["direction"]!,
        ),
    }),
    broadcast: (state) => ({ parameters: state.vectors.parameters, direction: state.vectors["direction"]! }),
    update: (state, aggregate) => ({
      ...state,
      vectors: {
        parameters: stepFrom(state.vectors.parameters, 1, aggregate["delta"]!),
        direction: aggregate["delta"]!,
      },
    }),
  };
}
