/**
 * Streaming DiLoCo: DiLoCo whose model is exchanged in fragments, one after the other, and whose exchanges overlap with
 * training: what comes back late is mixed into what was trained meanwhile.
 *
 * Citation: A. Douillard et al., "Streaming DiLoCo with overlapping communication: Towards a Distributed Free Lunch", 2025,
 * arXiv:2501.18512 (Algorithm 2).
 *
 * Update rule:
 *   round r of localSteps steps; all instants below count rounds
 *   client: x_k <- localSteps steps of O on all of x_k; the state of O and x_k stay on the client
 *   (r - t_p) mod H = 0: fragment p is sent, D_kp = x_kp - X_p, and D_p is their mean
 *   (r - t_p - tau) mod H = 0: it is back, u_p <- mu * u_p + D_p;  X_p <- X_p + eta_o * (D_p + mu * u_p), and at clients
 *     x_kp <- alpha * x_kp + (1 - alpha) * X_p
 *
 * Symbols: X -> parameters -> [d]; x_k -> client parameters -> [d]; u -> momentum -> [d]; D -> pending -> [d]; O -> optimizer
 *   -> []; H -> period -> []; t_p -> offsets -> []; tau -> delay -> []; alpha -> mixing -> []; mu -> serverMomentum -> [];
 *   eta_o -> serverLearningRate -> []; b1 -> beta1 -> []; b2 -> beta2 -> []; eps -> epsilon -> []
 * State: server {parameters [d], momentum [d], pending [d], arrived [fragments]}; client {parameters [d], optimizer: with
 *   AdamW 2d + 2; visited [1]}.
 * Wire: down d, up d / fragments in the rounds in which a fragment is sent, else nothing.
 * Differences: t_p, H and tau count rounds, so that localSteps = 1 is the paper's; fragment j takes every fragments-th block
 *   of the model (the paper: transformer blocks in the same stride). All clients are in every round. The model goes down
 *   whole, and clients take of it what is back. With compression.up = ["e3m0"] fragments that are sent in one round share a
 *   scale. D has the sign of an update here, of a gradient there.
 */
import { add, greater, mul, sub, where } from "@anabranch/engine";
import * as z from "zod";
import { type Layout, layout, subLayout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { ClientHalf, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import {
  type InnerOptimizer,
  type KeptOptimizer,
  keptOptimizer,
  optimizerStep,
  PLAIN_STEPS,
  resumedOptimizer,
  stateLayout,
} from "./kept-optimizer.ts";
import { localOptimizer, optimizerShape, requireFamily } from "./local-optimizer.ts";
import type { SgdCarry } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { nesterov, zeros } from "./server.ts";
import { MODEL, ownLayout, SCALAR, weightedMean } from "./shapes.ts";

const { beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly } = optimizerShape;
const round = z.int().min(0);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { streamingDiloco } from "@anabranch/core";
 * streamingDiloco.definition.name; // => "streaming-diloco"
 * ```
 */
export const streamingDiloco = defineMethod({
  name: "streaming-diloco",
  options: z
    .strictObject({
      optimizer: z.enum(["adamw", "muon", "sgd"]).default("adamw").describe("inner optimizer (O)"),
      ...{ beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly },
      fragments: z.int().positive().default(2).describe("fragments of the model"),
      period: z.int().positive().default(4).describe("rounds between two exchanges of a fragment (H)"),
      offsets: z
        .array(round)
        .optional()
        .describe("first round of each fragment (t_p); omitted: evenly over the period"),
      delay: round.default(0).describe("rounds until a fragment is back (tau), below the period"),
      mixing: z.number().min(0).max(1).default(0.5).describe("share of the client's own fragment that stays (alpha)"),
      serverMomentum: z.number().min(0).lt(1).default(0.9).describe("Nesterov momentum of the server (mu)"),
      serverLearningRate: z.number().positive().default(0.4).describe("outer learning rate (eta_o)"),
    })
    .superRefine(requireFamily)
    .superRefine(({ fragments, offsets, period, delay }, issues) => {
      const refuse = (path: string, message: string, input: unknown) =>
        issues.addIssue({ code: "custom", path: [path], message, input });
      if (offsets !== undefined && offsets.length !== fragments)
        refuse("offsets", `one for each of ${fragments} fragments`, offsets);
      if (delay >= period) refuse("delay", `below the period, ${period}`, delay);
    }),
  symbols: {
    H: "period",
    tau: "delay",
    alpha: "mixing",
    mu: "serverMomentum",
    b1: "beta1",
    b2: "beta2",
    eps: "epsilon",
  },
  build(options) {
    const inner: InnerOptimizer = (model, run) => localOptimizer(options, model, run);
    const { fragments, period, delay, serverMomentum, serverLearningRate } = options;
    const clock = fragmentClock(options);
    return vectors({
      server: { parameters: MODEL, momentum: MODEL, pending: MODEL, arrived: ownLayout(flags(fragments)) },
      client: {
        parameters: MODEL,
        optimizer: ownLayout((model) => stateLayout(inner(model, PLAIN_STEPS), model)),
        visited: SCALAR,
      },
      upload: { delta: weightedMean(MODEL) },
      broadcast: ["parameters", "arrived"],
      // the part of round r is that of r mod period
      parts: (model) =>
        Array.from({ length: period }, (_, r) => {
          const sent = clock.sent(r);
          return { delta: subLayout(model, ({ block }) => sent.includes(fragmentOf(model, block, fragments))) };
        }),
    }).method({
      wholePopulation: true,
      assign: (parts, cohort, _key, r) => cohort.map(() => r % parts),
      local: overlappingClient(inner, fragments, options.mixing),
      update(server, { delta }, { round: r, layout: model }) {
        const isIn = (of: readonly number[]) => entriesIn(model, of, fragments);
        const pending = choose(isIn(clock.sent(r)), delta, server.pending);
        const back = r > delay ? clock.sent(r - delay) : [];
        const stepped = nesterov(server, pending, serverMomentum, serverLearningRate);
        const arrived = zeros(server.arrived);
        for (const fragment of back) arrived[fragment] = 1;
        return {
          parameters: choose(isIn(back), stepped.parameters, server.parameters),
          momentum: choose(isIn(back), stepped.momentum, server.momentum),
          pending,
          arrived,
        };
      },
    });
  },
});

interface Fragments {
  readonly fragments: number;
  readonly period: number;
  readonly offsets?: readonly number[] | undefined;
}

/** Which fragments are sent at the end of a round. */
function fragmentClock({ fragments, period, offsets }: Fragments) {
  const starts = offsets ?? Array.from({ length: fragments }, (_, p) => Math.floor((p * period) / fragments));
  const all = Array.from({ length: fragments }, (_, p) => p);
  return { sent: (r: number) => all.filter((p) => (((r - starts[p]!) % period) + period) % period === 0) };
}

function fragmentOf({ blocks }: Layout, block: string, fragments: number): number {
  return blocks.indexOf(block) % fragments;
}

/** For each element of the model whether it belongs to one of these fragments. */
function entriesIn(model: Layout, of: readonly number[], fragments: number): readonly boolean[] {
  const inside: boolean[] = new Array(model.size).fill(false);
  for (const { block, offset, size } of model.entries) {
    if (of.includes(fragmentOf(model, block, fragments))) inside.fill(true, offset, offset + size);
  }
  return inside;
}

function choose(first: readonly boolean[], a: Vector, b: Vector): Vector {
  const chosen = zeros(a);
  for (let i = 0; i < chosen.length; i++) chosen[i] = first[i] === true ? a[i]! : b[i]!;
  return chosen;
}

/** Names that sort as the fragments do. */
function flagName(fragment: number, fragments: number): string {
  return `fragment${`${fragment}`.padStart(`${fragments - 1}`.length, "0")}`;
}

/** A number for each fragment, in order. */
function flags(fragments: number): Layout {
  const names = Array.from({ length: fragments }, (_, p) => flagName(p, fragments));
  return layout(names.map((name) => ({ name, shape: [], role: "vector", block: name })));
}

type Down = { readonly parameters: ParameterTensors; readonly arrived: ParameterTensors };
type Kept = KeptOptimizer & { readonly parameters: ParameterTensors };
type Sent = { readonly delta: ParameterTensors };

/** Local steps that continue from the client's own model, into which the fragments that are back are mixed. */
function overlappingClient(
  inner: InnerOptimizer,
  fragments: number,
  alpha: number,
): ClientHalf<Down, Kept, Sent, SgdCarry> {
  return {
    begin({ model, broadcast, state }, settings) {
      const isKnown = greater(state.visited, 0);
      const mixed = Object.fromEntries(
        model.entries.map(({ name, block }) => {
          const [own, global] = [state.parameters[name]!, broadcast.parameters[name]!];
          const flag = broadcast.arrived[flagName(fragmentOf(model, block, fragments), fragments)]!;
          const merged = add(mul(own, alpha), mul(global, 1 - alpha));
          return [name, where(isKnown, where(greater(flag, 0), merged, own), global)];
        }),
      );
      return { parameters: mixed, optimizer: resumedOptimizer(inner(model, settings).init(mixed), state) };
    },
    step: optimizerStep(inner),
    end({ parameters, optimizer }, local) {
      return {
        update: { delta: combine(sub, parameters, local.broadcast.parameters) },
        state: { parameters, ...keptOptimizer(optimizer, local.state) },
      };
    },
  };
}
