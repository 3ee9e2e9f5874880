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
import type { Algorithm, ClientHalf, Local, ParameterTensors } from "./algorithm.ts";
import { localSgd } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, zeros } from "./server.ts";
import { perturbed } from "./sharpness.ts";

export const fednsamOptions = z.strictObject({
  serverMomentum: z.number().min(0).lt(1).default(0.85).describe("momentum of the server and look-ahead (gamma)"),
  perturbationRadius: z.number().min(0).default(0.05).describe("length of the perturbation (rho)"),
  perturbation: z
    .enum(["momentum", "gradient"])
    .default("momentum")
    .describe('direction of the perturbation: the global "momentum", or each local "gradient"'),
});

export function fednsam(options: z.input<typeof fednsamOptions> = {}): Algorithm {
  const settings = fednsamOptions.parse(options);
  const { serverMomentum: gamma, perturbationRadius: rho, perturbation } = settings;
  return {
    name: "fednsam",
    options: settings,
    exchange: (model) => ({
      down: { parameters: model, momentum: model },
      up: { delta: { layout: model, aggregation: "weightedMean" } },
      client: {},
    }),
    init: (parameters) => ({ vectors: { parameters, momentum: zeros(parameters) }, scalars: {} }),
    client: perturbation === "momentum" ? globalPerturbation(gamma, rho) : localPerturbation(gamma, rho),
    broadcast: (state) => ({ parameters: state.vectors.parameters, momentum: state.vectors["momentum"]! }),
    update(state, aggregate) {
      const momentum = combineVectors((m, d) => gamma * m + d, state.vectors["momentum"]!, aggregate["delta"]!);
      return {
        ...state,
        vectors: { parameters: combineVectors((x, m) => x + m, state.vectors.parameters, momentum), momentum },
      };
    },
  };
}

/** Gradients at y + s with one s for the whole round. */
function globalPerturbation(gamma: number, rho: number): ClientHalf {
  return localSgd({
    at(y, local) {
      const momentum = local.broadcast["momentum"]!;
      const norm = globalNorm(momentum as TensorTree);
      // gamma - rho / |m|, and 0 where the perturbation is longer than the look-ahead
      const ahead = sub(gamma, div(rho, add(norm, 1e-12)));
      const factor = mul(ahead, cast(greater(ahead, 0), "float"));
      return combine((yj, m) => add(yj, mul(m, factor)), y, momentum);
    },
  });
}

/** Sharpness-aware steps from the look-ahead point. */
function localPerturbation(gamma: number, rho: number): ClientHalf {
  const inner = localSgd({
    direction: (g, z, local) => (rho === 0 ? g : local.gradient(perturbed(z, g, rho)).gradients),
  });
  const fromLookAhead = <L extends Local>(local: L): L => ({
    ...local,
    broadcast: { ...local.broadcast, parameters: lookAhead(local, gamma) },
  });
  return {
    begin: (local, settings) => inner.begin(fromLookAhead(local), settings),
    step: inner.step,
    end: (carry, local) => inner.end(carry, fromLookAhead(local)),
  };
}

function lookAhead(local: Local, gamma: number): ParameterTensors {
  return combine((x, m) => add(x, mul(m, gamma)), local.broadcast["parameters"]!, local.broadcast["momentum"]!);
}
