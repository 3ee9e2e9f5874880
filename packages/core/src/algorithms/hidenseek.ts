/**
 * HideNseek: clients learn signs of the weights of a frozen, pruned random network, and the server takes their vote. One bit
 * travels for each weight.
 *
 * Citation: A. K. Vallapuram, P. Zhou, Y. D. Kwon, L. H. Lee, H. Xu, P. Hui, "HideNseek: Federated Lottery Ticket via
 * Server-side Pruning and Sign Supermask", 2022, arXiv:2206.04385. A reconstruction: no code was found.
 *
 * Update rule:
 *   start: P = the rho d weights of largest |w0| dR/d|w0|, R the sum of the outputs for inputs of 1 through layers of |w0|
 *   client: s = u x;  K times: w = |P w0| sign(s);  s <- s - eta * (g_i(w) * |P w0| + wd * s);  sends sign(s) where P
 *   server: a = sum_i p_i sign(s_i);  x = |P w0| sign(a)
 *
 * Symbols: x -> parameters -> [d]; P -> places -> [rho d]; rho -> keep -> []; u -> scoreScale -> [];
 *   s -> scores -> [d]; p_i -> aggregation.weighting -> [clients]
 * State: server {parameters [d], places [rho d]}; client {scores [d]}.
 * Wire: down rho d bits, up rho d bits; at a client's first visit also the kept weights and d bits that say which they are.
 * Differences: scores are of the weight's sign itself and not of a change of it, which is the same with s sign(w0) for s. They
 *   start from the vote (restart = "vote") or continue from the client's own (restart = "own"). sign(0) = 1, and the
 *   gradient passes the sign ungated. Networks are chains of dense layers; their biases are 0. A weight of exactly 0 gets
 *   Kaiming's size. The kept weights are sent once as floats, where a seed would do if they are drawn from one.
 */
import { abs, cast, concat, constant, equal, gather, mul, reshape, sgd, takeStep, where } from "@anabranch/engine";
import * as z from "zod";
import { entryView, type Layout, type LayoutEntry, layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { denseWeights, scoreGradient, signedWeights, signs } from "../submodels/index.ts";
import { countKept, keptWeights, packSigns } from "../submodels/kept-weights.ts";
import type { Carried, ParameterTensors, ServerState } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { type MethodBody, vectors } from "./method.ts";
import { MODEL, ownLayout, weightedMean } from "./shapes.ts";

/** Names of what goes up and of where it belongs. */
const [SIGNS, PLACES] = ["signs", "places"] as const;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { hidenseek } from "@anabranch/core";
 * hidenseek({ keep: 0.3 }).options["keep"]; // => 0.3
 * ```
 */
export const hidenseek = defineMethod({
  name: "hidenseek",
  options: z.strictObject({
    keep: z.number().positive().max(1).default(0.5).describe("share of the weights that are kept (rho)"),
    scoreScale: z.number().positive().default(0.1).describe("first scores in units of the weights (u)"),
    restart: z.enum(["vote", "own"]).default("vote").describe("where a client's scores start: the vote, or its own"),
  }),
  symbols: { rho: "keep", u: "scoreScale" },
  build({ keep, scoreScale, restart }): MethodBody {
    const listOf = (name: string) =>
      ownLayout((model) => layout([{ name, shape: [countKept(model, keep)], role: "vector", block: name }]));
    const body = vectors({
      server: { parameters: MODEL, [PLACES]: listOf(PLACES) },
      client: { scores: MODEL },
      upload: { [SIGNS]: weightedMean(listOf(SIGNS)) },
    }).method({
      sendsModels: true,
      ownModel: (global, kept) => (kept === undefined ? undefined : ofSigns(global, kept["scores"]!)),
      start: (parameters, model) => firstState(parameters, model, keep),
      local: {
        begin({ broadcast: { parameters }, state, model }, settings) {
          const scores = eachWeight(model, ({ name }) => {
            const [fresh, own] = [mul(parameters[name]!, scoreScale), state.scores[name]!];
            return restart === "vote" ? fresh : where(equal(own, 0), fresh, own);
          });
          return { scores, optimizer: sgd(settings).init(scores) };
        },
        step({ scores, optimizer }, local, settings) {
          const { broadcast, model } = local;
          const sizes = eachWeight(model, ({ name }) => abs(broadcast.parameters[name]!));
          const weights = eachWeight(model, ({ name }) => signedWeights(sizes[name]!, constant(1), scores[name]!));
          const { loss, gradients } = local.gradient({ ...broadcast.parameters, ...weights });
          const direction = eachWeight(model, ({ name }) => scoreGradient(gradients[name]!, sizes[name]!, constant(1)));
          const next = takeStep(sgd(settings), direction, optimizer, scores, local);
          return { carry: { scores: next.parameters, optimizer: next.state }, loss };
        },
        end({ scores }, { broadcast, model }) {
          const nothing = Object.fromEntries(
            model.entries.map(({ name }) => [name, mul(broadcast.parameters[name]!, 0)]),
          );
          const all: ParameterTensors = { ...nothing, ...scores };
          const flat = concat(
            model.entries.map(({ name, size }) => reshape(all[name]!, [size])),
            0,
          );
          const kept = gather(flat, cast(broadcast[PLACES][PLACES]!, "int32"));
          return { update: { [SIGNS]: { [SIGNS]: signs(kept) } }, state: { scores: all } };
        },
      },
      update({ parameters, places }, { signs: vote }, { cohortSize }) {
        if (cohortSize === 0) return { parameters, places };
        const next = parameters.slice();
        for (const [k, place] of places.entries()) next[place] = Math.abs(parameters[place]!) * (vote[k]! < 0 ? -1 : 1);
        return { parameters: next, places };
      },
    });
    return { ...body, compression: { up: [{ name: "sign" }], vectors: [SIGNS] }, messageTo };
  },
});

/** What a client lacks: the signs, and at its first visit the weights and which they are. */
function messageTo({ vectors: state }: ServerState, _all: Carried, kept: Readonly<Record<string, Vector>> | undefined) {
  const { parameters, [PLACES]: places } = state;
  const weights = zerosLike(parameters, places!.length);
  for (const [k, place] of places!.entries()) weights[k] = parameters[place]!;
  const signed = packSigns(weights);
  if (kept !== undefined) return { vectors: {}, encoded: { [SIGNS]: signed } };
  const mask = zerosLike(parameters).fill(1);
  for (const place of places!) mask[place] = -1;
  return { vectors: { weights }, encoded: { mask: packSigns(mask) } };
}

/** The pruned network as it is drawn, and where its weights lie. */
function firstState(drawn: Vector, model: Layout, keep: number): { parameters: Vector; places: Vector } {
  const whole = zerosLike(drawn);
  for (const entry of denseWeights(model)) {
    const size = Math.sqrt(2 / entry.shape[0]!);
    entryView(whole, entry).set(entryView(drawn, entry).map((value) => (value === 0 ? size : value)));
  }
  const kept = keptWeights(whole, model, keep);
  const [parameters, places] = [zerosLike(drawn), zerosLike(drawn, kept.length)];
  places.set(kept);
  for (const place of kept) parameters[place] = whole[place]!;
  return { parameters, places };
}

function eachWeight<T>(model: Layout, make: (entry: LayoutEntry) => T): Record<string, T> {
  return Object.fromEntries(denseWeights(model).map((entry) => [entry.name, make(entry)]));
}

/** The sizes of a network with a client's signs. */
function ofSigns(global: Vector, scores: Vector): Vector {
  return global.map((value, j) => Math.abs(value) * (scores[j]! < 0 ? -1 : 1)) as Vector;
}
