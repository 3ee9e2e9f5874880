/**
 * DIFF2-BVR-L-SGD: DIFF2 whose released gradient starts K local steps that follow its change with differences of their own.
 *
 * Citation: T. Murata, T. Suzuki, "DIFF2: Differential Private Optimization via Gradient Differences for Nonconvex
 * Distributed Learning", ICML 2023, arXiv:2302.03884 (DIFF2-BVR-L-SGD); without privacy: T. Murata, T. Suzuki, "Bias-Variance
 * Reduced Local SGD for Less Heterogeneous Federated Learning", ICML 2021, arXiv:2102.03198.
 *
 * Update rule: odd rounds release v at the model x_r, even rounds move the model
 *   odd:  v as in DIFF2, with grad F_i the mean over the client's K mini-batches
 *   even: y_0 = x_r, w_0 = v;  k = 0 .. K-1: y_{k+1} = y_k - eta * w_k,  w_{k+1} = w_k + g_i(y_{k+1}) - g_i(y_k)
 *         u_i = mean_k w_k - v,  clipped at B = |v| * (mean_k (1 + C2 eta)^k - 1)
 *         x_{r+1} = x_r - eta * K * (v + (sum_i u_i + N(0, (z B)^2 I)) / (q M))
 *
 * Symbols: x_r -> parameters -> [d]; x_{r-1} -> previous -> [d]; v -> gradient -> [d]; T -> restartEvery -> []; eta ->
 *   training.learningRate -> []; K -> training.localSteps -> []; C1 -> privacy.clipNorm -> []; C2 -> smoothnessBound -> [];
 *   z -> privacy.noiseMultiplier -> []; q M -> sampler.cohort -> []
 * State: server {parameters [d], previous [d], gradient [d], scalar rounds}; client none.
 * Wire: down 3d + 2, up d; two gradients a step; two rounds for one of the paper.
 * Differences: the paper's round needs v before its local steps, two exchanges, so it is two rounds here, each a release of
 *   its own. The paper protects records: its local steps clip the differences of each and add noise each time. Here whole
 *   clients are protected: a client's steps stay with it, only their departure u_i from the public v leaves, clipped and
 *   noised once. Where C2 bounds the curvature |g_i(y) - g_i(y')| <= C2 |y - y'|, so |w_k| <= (1 + C2 eta)^k |v| and B
 *   clips nothing. The paper lets one random client move; alone it would carry the noise of all, so the cohort's mean
 *   moves. C1, C2, T as in DIFF2; the last iterate is the result.
 */
import { add, div, mul, sub, type Tensor } from "@anabranch/engine";
import { layout } from "../params/layout.ts";
import { distance, norm2, zerosLike } from "../params/vector.ts";
import type { ClientHalf, ParameterTensors, RoundContext } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { diff2 } from "./diff2.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, stepFrom } from "./server.ts";
import { MODEL, ownLayout, SCALAR, uniformMean } from "./shapes.ts";

const flag = (name: string) => ({ name, shape: [], role: "vector", block: "phase" }) as const;
/** 1 where the local model moves, 1 where gradients are released as differences. */
const PHASE = layout([flag("descent"), flag("difference")]);

type Carry = {
  /** Where gradients are taken: y_k or x_r, and the model before it. */
  readonly now: ParameterTensors;
  readonly before: ParameterTensors;
  /** w_k - v where the model moves, else the newest gradient or difference. */
  readonly change: ParameterTensors;
  /** Sum of the changes of all steps so far. */
  readonly total: ParameterTensors;
};

type Down = {
  readonly parameters: ParameterTensors;
  readonly previous: ParameterTensors;
  readonly gradient: ParameterTensors;
  readonly phase: ParameterTensors;
};

/** Both kinds of round as one step: two gradients on one batch, and a model that moves or stays. */
const client: ClientHalf<Down, Readonly<Record<string, never>>, { readonly change: ParameterTensors }, Carry> = {
  begin({ broadcast: { parameters, previous } }, settings) {
    requirePlainSteps(settings);
    const nothing = combine((x) => mul(x, 0), parameters);
    return { now: parameters, before: previous, change: nothing, total: nothing };
  },
  step({ now, before, change, total }, local) {
    const phase = (name: string): Tensor => local.broadcast.phase[name]!;
    const [descent, difference] = [phase("descent"), phase("difference")];
    const [here, there] = [local.gradient(now), local.gradient(before)];
    const fresh = combine((g, p) => sub(g, mul(difference, p)), here.gradients, there.gradients);
    const changed = combine((c, f) => add(mul(descent, c), f), change, fresh);
    const direction = combine(add, local.broadcast.gradient, changed);
    const stays = sub(1, descent);
    const carry: Carry = {
      now: combine((y, w) => sub(y, mul(mul(descent, local.learningRate), w)), now, direction),
      before: combine((y, p) => add(mul(descent, y), mul(stays, p)), now, before),
      change: changed,
      total: combine(add, total, changed),
    };
    return { carry, loss: here.loss };
  },
  end: ({ total }, { steps }) => ({
    update: { change: combine((changes) => div(changes, steps), total) },
    state: {},
  }),
};

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { diff2BvrLSgd } from "@anabranch/core";
 * diff2BvrLSgd.definition.name; // => "diff2-bvr-l-sgd"
 * ```
 */
export const diff2BvrLSgd = defineMethod({
  name: "diff2-bvr-l-sgd",
  options: diff2.definition.options.omit({ serverLearningRate: true, protects: true }),
  symbols: { T: "restartEvery", C2: "smoothnessBound" },
  build({ restartEvery, smoothnessBound }) {
    const moves = (rounds: number) => rounds % 2 === 1;
    const restarts = (rounds: number) => (rounds / 2) % restartEvery === 0;
    return vectors({
      server: { parameters: MODEL, previous: MODEL, gradient: MODEL, rounds: SCALAR },
      upload: { change: uniformMean(MODEL) },
      broadcast: ["parameters", "previous", "gradient"],
      computed: { phase: ownLayout(PHASE) },
    }).method({
      countsSteps: true,
      privacy: {
        clipNorm({ parameters, previous, gradient, rounds }, configured, round) {
          if (moves(rounds)) return norm2(gradient) * departure(smoothnessBound, round);
          return restarts(rounds) ? configured : smoothnessBound * distance(parameters, previous);
        },
      },
      start: (parameters) => ({ previous: parameters }),
      compute({ parameters, rounds }) {
        const phase = zerosLike(parameters, PHASE.size);
        phase.set([moves(rounds) ? 1 : 0, restarts(rounds) ? 0 : 1]);
        return { phase };
      },
      local: client,
      update({ parameters, previous, gradient, rounds }, { change }, { learningRate, localSteps }) {
        const next = rounds + 1;
        const followed = () => combineVectors((v, u) => v + u, gradient, change);
        if (moves(rounds)) {
          const moved = stepFrom(parameters, -learningRate * localSteps, followed());
          return { parameters: moved, previous, gradient, rounds: next };
        }
        return { parameters, previous: parameters, gradient: restarts(rounds) ? change : followed(), rounds: next };
      },
    });
  },
});

/**
 * mean_k (1 + C2 eta)^k - 1 over k = 0 .. K-1: how far w may depart on average from v, over |v|. Not quite 0 for one step,
 * where nothing is private: updates of whole numbers have no grid of width 0.
 */
function departure(smoothnessBound: number, { learningRate, localSteps }: RoundContext): number {
  const growth = 1 + smoothnessBound * learningRate;
  let sum = 0;
  for (let k = 0; k < localSteps; k++) sum += growth ** k - 1;
  return Math.max(sum / localSteps, Number.EPSILON);
}
