/** FedAvg among clients with models of their own widths: the presets `heterofl` and `fedrolex`. */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/** @param rolls whether the windows of units move on in every round */
export function narrowMethod(name: string, rolls: boolean) {
  return defineMethod({
    name,
    options: z.strictObject({
      widths: z
        .array(z.number().positive().max(1))
        .min(1)
        .max(64)
        .default([1, 0.5, 0.25])
        .describe("share of the hidden units by tier; client i is in tier i modulo their number"),
      serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
    }),
    symbols: { r_i: "widths" },
    build: ({ widths, serverLearningRate }) =>
      vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
        widths: { ratios: widths, rolls },
        local: localSgd(),
        update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
      }),
  });
}
