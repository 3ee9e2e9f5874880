/**
 * A method of your own: FedAvg whose clients halve every gradient coordinate whose descent direction disagrees in sign
 * with the last global update. Use it with `[algorithm] file = "examples/own-algorithm.ts"`.
 *
 * A method says which vectors it has (on the server, on the way up), what a client does with them and what the server
 * does; everything else is the library's. You choose the names, and the editor marks a misspelt one. The methods of the
 * library are written the same way; a longer example is SCAFFOLD, `packages/core/src/algorithms/scaffold.ts`.
 */
import { combine, defineMethod, localSgd, MODEL, stepFrom, vectors, weightedMean } from "@anabranch/core";
import { cast, less, mul, sub } from "@anabranch/engine";
import * as z from "zod";

export default defineMethod({
  name: "sign-damped",
  // the other keys of [algorithm], checked before the run starts
  options: z.strictObject({
    damping: z.number().min(0).max(1).default(0.5).describe("share of a step that is left out where it turns back"),
  }),
  build: ({ damping }) =>
    vectors({
      // MODEL: as long as the model's parameters, [d]; both go down to the clients in every round
      server: { parameters: MODEL, direction: MODEL },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      // On a client: plain local SGD, but for the direction of its steps. Runs once, to record a graph of tensors, so that
      // it computes with mul and sub; y <- y - eta * g goes back where g has the sign of the last update d.
      local: localSgd({
        direction: (gradients, _y, { broadcast }) =>
          combine(
            (g, d) => mul(g, sub(1, mul(cast(less(0, mul(g, d)), "float"), damping))),
            gradients,
            broadcast.direction,
          ),
      }),
      // On the server, after each round: plain numbers. Returns what it keeps until the next round.
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta), direction: delta }),
    }),
});
