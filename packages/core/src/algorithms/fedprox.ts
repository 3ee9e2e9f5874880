/**
 * FedProx: a proximal term holds local models near the global one and tolerates clients that do less work.
 *
 * Citation: T. Li, A. K. Sahu, M. Zaheer, M. Sanjabi, A. Talwalkar, V. Smith, "Federated Optimization in Heterogeneous
 * Networks", MLSys 2020, arXiv:1812.06127.
 *
 * Update rule:
 *   K times: y <- y - eta * (g_i(y) + mu * (y - x) + wd * y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> parameters -> [d]; mu -> proximalStrength -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none; the term is added to the gradient exactly (released scripts detach it, which makes it a no-op).
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import { fedavg } from "./fedavg.ts";
import { localSgd } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";

export const fedproxOptions = z.strictObject({
  proximalStrength: z.number().min(0).default(0.01).describe("weight of the proximal term (mu)"),
  serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
});

export function fedprox(options: z.input<typeof fedproxOptions> = {}): Algorithm {
  const settings = fedproxOptions.parse(options);
  const mu = settings.proximalStrength;
  return {
    ...fedavg({ serverLearningRate: settings.serverLearningRate }),
    name: "fedprox",
    options: settings,
    client: localSgd({
      direction: (gradients, y, local) =>
        combine((g, yj, x) => add(g, mul(sub(yj, x), mu)), gradients, y, local.broadcast["parameters"]!),
    }),
  };
}
