/**
 * RERCE-Fed: consensus ADMM with the dual variable eliminated: clients receive and send one vector per round, an extrapolated
 * mean down and their own model up, which keeps noise of the links from piling up in the duals.
 *
 * Citation: E. Lari, R. Arablouei, V. C. Gogineni, S. Werner, "Noise-Robust and Resource-Efficient ADMM-based Federated
 * Learning", Signal Processing 2025, arXiv:2409.13451.
 *
 * Update rule:
 *   client, s received: x_i <- argmin_x f_i(x) - <grad f_i(x_i), x> + (rho / 2) |x - s|^2, by K steps from s:
 *     y <- y - eta * (g_i(y) - g_i(x_i) + rho * (y - s)), both gradients on one batch; sends x_i
 *     at its first visit it has no x_i, and the term with it is missing
 *   z+ = mean_i x_i over the cohort;  s = 2 z+ - z
 *   continual: a client that is not chosen repeats its step with the s that it received last; chosen ones send
 *     u_i = 2 x_i - (x_i before); z = mean of the newest u_i of all clients; s = z
 *
 * Symbols: z -> parameters -> [d]; z before -> previous -> [d]; x_i -> client model -> [d]; s -> target -> [d];
 *   rho -> proximalStrength -> []
 * State: server {parameters [d], previous [d]}; client {model [d], visited []; continual: target, sent [d], received [] too}.
 * Wire: down d, up d.
 * Differences: the paper solves least squares in closed form; here K steps of gradient descent stand for the argmin of any
 *   loss (equal where they converge). The start is the initial model in place of 0. Where clients join late, they start at
 *   the s of that round. With `continual` all clients must be in every cohort: `participants` of them, drawn anew each
 *   round, send; the s that the others do not use is counted as sent. They send the change of u_i, so that the server holds
 *   one mean instead of a table.
 */
import { add, constant, greater, maximum, mul, sub, type Tensor, where } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import { permutation, randomStream } from "../random/index.ts";
import type { ClientHalf, ClientResult, Local, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { type MethodBody, vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, stepFrom } from "./server.ts";
import { MODEL, SCALAR, sum, uniformMean } from "./shapes.ts";

/** Places in `payloads.parts` of the continual form. */
export const CHOSEN = 0;
export const SILENT = 1;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { rerce } from "@anabranch/core";
 * rerce.definition.name; // => "rerce"
 * ```
 */
export const rerce = defineMethod({
  name: "rerce",
  options: z.strictObject({
    proximalStrength: z.number().positive().default(1).describe("pull towards the received vector (rho)"),
    continual: z.boolean().default(false).describe("clients that are not chosen in a round go on training"),
    participants: z.int().positive().default(4).describe("clients that send in a round; used with continual"),
  }),
  symbols: { rho: "proximalStrength" },
  build: ({ proximalStrength: rho, continual, participants }) =>
    continual ? continualForm(rho, participants) : basicForm(rho),
});

/** What a client of a round works towards. */
interface Aim {
  readonly target: ParameterTensors;
  /** 1 where the client takes its step in this round, else 0; scalars. */
  readonly active: ParameterTensors;
}

type Down = { readonly target: ParameterTensors };
/** What clients keep in both forms: x_i, and 1 once there is one. */
type Kept = { readonly model: ParameterTensors; readonly visited: Tensor };

/** How clients of the two forms differ. */
interface Form<C extends Kept, U> {
  aim(local: Local<Down, C, U>): Aim;
  result(model: ParameterTensors, aim: Aim, local: Local<Down, C, U>): ClientResult<C, U>;
}

function proximalClient<C extends Kept, U>(
  rho: number,
  { aim, result }: NoInfer<Form<C, U>>,
): ClientHalf<Down, C, U, ParameterTensors> {
  return {
    begin(local, settings) {
      requirePlainSteps(settings);
      const { target, active } = aim(local);
      return combine((s, on, x) => where(greater(on, 0), s, x), target, active, local.state.model);
    },
    step(y, local) {
      const { target, active } = aim(local);
      const { loss, gradients } = local.gradient(y);
      const { model, visited } = local.state;
      const own = local.gradient(model).gradients;
      const direction = combine(
        (g, o, at, s) => add(sub(g, mul(o, visited)), mul(sub(at, s), rho)),
        gradients,
        own,
        y,
        target,
      );
      const next = combine((at, d, on) => sub(at, mul(mul(d, on), local.learningRate)), y, direction, active);
      return { carry: next, loss };
    },
    end: (y, local) => result(y, aim(local), local),
  };
}

const one = (flag: Tensor) => add(mul(flag, 0), 1);

function basicForm(rho: number): MethodBody {
  return vectors({
    server: { parameters: MODEL, previous: MODEL },
    client: { model: MODEL, visited: SCALAR },
    upload: { model: uniformMean(MODEL) },
    broadcast: [],
    computed: { target: MODEL },
  }).method({
    sendsModels: true,
    start: (parameters) => ({ previous: parameters }),
    compute: ({ parameters, previous }) => ({
      target: combineVectors((now, before) => 2 * now - before, parameters, previous),
    }),
    local: proximalClient(rho, {
      aim: ({ broadcast: { target } }) => ({ target, active: combine(() => constant(1), target) }),
      result: (model, _aim, { state }) => ({ update: { model }, state: { model, visited: one(state.visited) } }),
    }),
    update: ({ parameters }, { model }) => ({ parameters: model, previous: parameters }),
  });
}

function continualForm(rho: number, participants: number): MethodBody {
  return vectors({
    server: { parameters: MODEL, previous: MODEL },
    client: { model: MODEL, target: MODEL, sent: MODEL, received: SCALAR, visited: SCALAR },
    upload: { change: sum(MODEL) },
    broadcast: [],
    computed: { target: MODEL },
    parts: (model) => [{ change: model }, { change: layout([]) }],
  }).method({
    wholePopulation: true,
    assign(_parts, cohort, key, round) {
      const order = permutation(randomStream(key), cohort.length);
      const chosen = new Set(order.slice(0, round === 1 ? cohort.length : participants));
      return cohort.map((_client, place) => (chosen.has(place) ? CHOSEN : SILENT));
    },
    start: (parameters) => ({ previous: parameters }),
    compute: ({ parameters }) => ({ target: parameters }),
    local: proximalClient(rho, {
      aim({ broadcast, state, sent }) {
        const first = sub(1, state.visited);
        const hears = combine((chosen) => maximum(chosen, first), sent.change);
        return {
          target: combine((h, s, old) => where(greater(h, 0), s, old), hears, broadcast.target, state.target),
          active: combine((h) => maximum(h, state.received), hears),
        };
      },
      result(model, { target }, { broadcast, state, sent }) {
        const { visited } = state;
        const known = (kept: ParameterTensors) =>
          combine((old, s) => where(greater(visited, 0), old, s), kept, broadcast.target);
        const newest = combine((x, before) => sub(mul(x, 2), before), model, known(state.model));
        const before = known(state.sent);
        const change = combine((u, old, on) => mul(sub(u, old), on), newest, before, sent.change);
        const [anyChosen] = Object.values(sent.change);
        const received = maximum(state.received, mul(anyChosen!, visited));
        return {
          update: { change },
          state: { model, target, sent: combine(add, before, change), received, visited: one(visited) },
        };
      },
    }),
    update: ({ parameters, previous }, { change }, { population }) => ({
      parameters: stepFrom(parameters, 1 / population, change),
      previous,
    }),
  });
}
