/**
 * FRL: clients vote on which weights of a frozen random network to keep. What they send is the order of importance of each
 * layer's weights, and the server adds the places up, so that a client moves a sum by no more than the layer has weights.
 *
 * Citation: H. Mozaffari, V. Shejwalkar, A. Houmansadr, "Every Vote Counts: Ranking-Based Training of Federated Learning to
 * Resist Poisoning Attacks", USENIX Security 2023, arXiv:2110.04350.
 *
 * Update rule:
 *   start: w = sign(theta_0) * sqrt(2 / fan_in) layer by layer, for ever; scores s of a layer of n weights are the values
 *     (j + 1) / (n sqrt(fan_in)), j = 0 .. n - 1, in the order of |theta_0|
 *   client: K times: m = 1 for the k n largest of s, else 0;  s <- s - eta * (g(w * m) * w + wd * s)
 *     sends the place of every weight in the ascending order of s
 *   server: R = order of the sums of places; the weight at place j of R gets the j-th of the first scores;  x = w * m
 *
 * Symbols: k -> keep -> []; s -> scores -> [d]; w * m -> parameters -> [d]
 * State: server {parameters [d], scores [d]}; client none.
 * Wire: down d, up d.
 * Differences: the first scores are evenly spaced where the paper draws them; only their order counts. Scores are positive,
 *   so one vector sign(w) * s holds both. Biases are 0 and normalisations stay as they begin, as the paper has none.
 *   Places are sent as numbers plus 1/2, where the paper needs log2(n) bits for each; with secureAggregation.bits = 16,
 *   range = 32767.5 and uniform weights the sum of layers of up to 65,536 weights is exact. Sums are exact below 2^24. The
 *   server refuses places that a layer does not have, where it sees them; it does not check that each is taken once.
 */
import {
  add,
  cast,
  constant,
  greaterEqual,
  mul,
  ranks,
  reshape,
  sgd,
  sign,
  type Tensor,
  takeStep,
} from "@anabranch/engine";
import * as z from "zod";
import { ascendingOrder, keptCount } from "../aggregation/rank-vote.ts";
import { entryView, type Layout, type LayoutEntry } from "../params/index.ts";
import type { Vector } from "../params/vector.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { vectors } from "./method.ts";
import { MODEL, sum } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { frl } from "@anabranch/core";
 * frl.definition.name; // => "frl"
 * ```
 */
export const frl = defineMethod({
  name: "frl",
  options: z.strictObject({
    keep: z.number().positive().lt(1).default(0.5).describe("share of the weights of a layer that are kept"),
  }),
  symbols: { k: "keep" },
  build: ({ keep }) =>
    vectors({
      server: { parameters: MODEL, scores: MODEL },
      broadcast: ["scores"],
      upload: { votes: sum(MODEL, { places: true }) },
    }).method({
      start: (parameters, model) => firstState(parameters, model, keep),
      local: {
        begin({ broadcast, model }, settings) {
          const scores = mapEntries(voted(model), ({ name }) => absolute(broadcast.scores[name]!));
          return { scores, optimizer: sgd(settings).init(scores) };
        },
        step({ scores, optimizer }, local, settings) {
          const { broadcast, model } = local;
          const weights = mapEntries(voted(model), (entry) =>
            mul(sign(broadcast.scores[entry.name]!), deviation(entry)),
          );
          const kept = mapEntries(voted(model), (entry) =>
            mul(weights[entry.name]!, mask(scores[entry.name]!, entry, keep)),
          );
          const { loss, gradients } = local.gradient({ ...broadcast.scores, ...kept });
          // straight through: a score moves as its weight's mask would
          const direction = mapEntries(voted(model), ({ name }) => mul(gradients[name]!, weights[name]!));
          const next = takeStep(sgd(settings), direction, optimizer, scores, local);
          return { carry: { scores: next.parameters, optimizer: next.state }, loss };
        },
        end({ scores }, { model, broadcast }) {
          const places = mapEntries(voted(model), ({ name }) => add(placesIn(scores[name]!), 0.5));
          const nothing = mapEntries(model.entries, ({ name }) => mul(broadcast.scores[name]!, 0));
          return { update: { votes: { ...nothing, ...places } }, state: {} };
        },
      },
      update({ parameters, scores }, { votes }, { layout: model, cohortSize }) {
        if (cohortSize === 0) return { parameters, scores };
        const next = { parameters: parameters.slice(), scores: scores.slice() };
        for (const entry of voted(model)) setScores(next, entry, ascendingOrder(entryView(votes, entry)), keep);
        return next;
      },
    }),
});

/** Layers whose weights are voted on: matrices and kernels. */
function voted({ entries }: Layout): readonly LayoutEntry[] {
  return entries.filter(({ role, shape }) => shape.length > 1 && ["matrix", "convKernel", "head"].includes(role));
}

/** Magnitude of the weights of a layer. */
function deviation(entry: LayoutEntry): number {
  return Math.sqrt(2 / fanIn(entry));
}

/** Inputs of a unit: of [inputs, outputs], or of a kernel [outputs, inputs, ...]. */
function fanIn({ role, shape, size }: LayoutEntry): number {
  return role === "convKernel" ? size / shape[0]! : shape[0]!;
}

/** The frozen network with the first scores. Biases are 0, what else is not voted on stays. */
function firstState(initial: Vector, model: Layout, keep: number): { parameters: Vector; scores: Vector } {
  const state = { parameters: initial.slice(), scores: initial.slice() };
  for (const entry of model.entries) {
    if (entry.shape.length > 1 || entry.role === "normalization") continue;
    for (const vector of [state.parameters, state.scores]) entryView(vector, entry).fill(0);
  }
  for (const entry of voted(model)) {
    const order = ascendingOrder(entryView(initial, entry).map((value) => Math.abs(value)));
    setScores(state, entry, order, keep);
  }
  return state;
}

/** Gives the weights of a layer the first scores in the order of a ranking, and keeps the best. */
function setScores(
  { parameters, scores }: { readonly parameters: Vector; readonly scores: Vector },
  entry: LayoutEntry,
  ranking: Int32Array,
  keep: number,
): void {
  const signs = entryView(scores, entry);
  const kept = entryView(parameters, entry);
  const n = entry.size;
  const [first, top] = [n - keptCount(keep, n), 1 / Math.sqrt(fanIn(entry))];
  for (const [place, i] of ranking.entries()) {
    const side = signs[i]! < 0 ? -1 : 1;
    signs[i] = (side * top * (place + 1)) / n;
    kept[i] = place < first ? 0 : side * deviation(entry);
  }
}

function mapEntries(entries: readonly LayoutEntry[], fn: (entry: LayoutEntry) => Tensor): ParameterTensors {
  return Object.fromEntries(entries.map((entry) => [entry.name, fn(entry)]));
}

function absolute(x: Tensor): Tensor {
  return mul(x, sign(x));
}

/** Places of values in their ascending order, in the shape of the values. */
function placesIn(values: Tensor): Tensor {
  const size = values.shape.reduce<number>((product, extent) => product * (extent as number), 1);
  return reshape(ranks(reshape(values, [size])), values.shape);
}

/** 1 for the best share of a layer's scores, else 0. */
function mask(scores: Tensor, { size }: LayoutEntry, keep: number): Tensor {
  return cast(greaterEqual(placesIn(scores), constant(size - keptCount(keep, size))), "float");
}
