/**
 * FedNSAM: the server's Nesterov momentum is both the look-ahead of the clients and their estimate of the direction in
 * which the global loss rises, so that local flatness is global flatness.
 *
 * Citation: J. Liu, F. Shang, Y. Tian, H. Liu, Y. Liu, "Consistency of Local and Global Flatness for Federated Learning",
 * ACM MM 2025 (doi 10.1145/3746027.3755226), arXiv:2602.23827.
 *
 * Update rule:
 *   momentum: s = gamma * m - rho * m / |m|;  K times: y <- y - eta * (g_i(y + s) + wd * y);  D_i = y - x
 *   gradient: z <- x + gamma * m;  K times: z <- z - eta * (g_i(z + rho * g / |g|) + wd * z);  D_i = z - (x + gamma * m)
 *   m <- gamma * m + Dbar;  x <- x + m
 *
 * Symbols: x -> parameters -> [d]; m -> momentum (descent-signed) -> [d]; gamma -> serverMomentum -> [];
 *   rho -> perturbationRadius -> []
 * State: server {parameters [d], momentum [d]}; client none.
 * Wire: down 2d, up d; one gradient a step ("gradient": two).
 * Differences: perturbation = "momentum" (default) is the method of the abstract and of the released optimizer; "gradient" is
 *   the only consistent released script. The server keeps its momentum (the newest script loses it). Where rho exceeds
 *   gamma * |m| the look-ahead would turn round; s is then 0. Dbar is weighted as aggregation.weighting says, by examples
 *   unless set.
 */
import { add, cast, div, globalNorm, greater, mul, sub, type TensorTree } from "@anabranch/engine";
import * as z from "zod";
import type { ClientHalf, Local, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";
import { sharpnessAware } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fednsam } from "@anabranch/core";
 * fednsam.definition.name; // => "fednsam"
 * ```
 */
export const fednsam = defineMethod({
  name: "fednsam",
  options: z.strictObject({
    serverMomentum: z.number().min(0).lt(1).default(0.85).describe("momentum of the server and look-ahead (gamma)"),
    perturbationRadius: z.number().min(0).default(0.05).describe("length of the perturbation (rho)"),
    perturbation: z
      .enum(["momentum", "gradient"])
      .default("momentum")
      .describe('direction of the perturbation: the global "momentum", or each local "gradient"'),
  }),
  symbols: { gamma: "serverMomentum", rho: "perturbationRadius" },
  build: ({ serverMomentum: gamma, perturbationRadius: rho, perturbation }) =>
    vectors({
      server: { parameters: MODEL, momentum: MODEL },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      local:
        perturbation === "momentum"
          ? localSgd({ at: (y, { broadcast }) => shifted(y, broadcast.momentum, gamma, rho) })
          : fromLookAhead(gamma, localSgd({ direction: sharpnessAware(rho) })),
      update({ parameters, momentum }, { delta }) {
        const next = combineVectors((m, d) => gamma * m + d, momentum, delta);
        return { parameters: combineVectors((x, m) => x + m, parameters, next), momentum: next };
      },
    }),
});

/** y + s; s is the same for the whole round. */
function shifted(y: ParameterTensors, momentum: ParameterTensors, gamma: number, rho: number): ParameterTensors {
  // gamma - rho / |m|, and 0 where the perturbation is longer than the look-ahead
  const ahead = sub(gamma, div(rho, add(globalNorm(momentum), 1e-12)));
  const factor = mul(ahead, cast(greater(ahead, 0), "float"));
  return combine((yj, m) => add(yj, mul(m, factor)), y, momentum);
}

type Down = { readonly parameters: ParameterTensors; readonly momentum: ParameterTensors };

/** The client half with x + gamma * m in place of x. */
function fromLookAhead<C, U, K extends TensorTree>(
  gamma: number,
  half: ClientHalf<Down, C, U, K>,
): ClientHalf<Down, C, U, K> {
  const moved = <L extends Local<Down, C, U>>(local: L): L => {
    const { parameters, momentum } = local.broadcast;
    const ahead = combine((x, m) => add(x, mul(m, gamma)), parameters, momentum);
    return { ...local, broadcast: { parameters: ahead, momentum } };
  };
  return {
    ...half,
    begin: (local, settings) => half.begin(moved(local), settings),
    end: (carry, local) => half.end(carry, moved(local)),
  };
}
