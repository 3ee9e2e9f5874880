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
import { add, constant, greater, maximum, mul, sub, type Tensor, type TensorTree, where } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import { permutation, randomStream } from "../random/index.ts";
import type { Algorithm, ClientHalf, ClientResult, Exchange, Local, ParameterTensors } from "./algorithm.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, scalarLayout, stepFrom } from "./server.ts";

export const rerceOptions = z.strictObject({
  proximalStrength: z.number().positive().default(1).describe("pull towards the received vector (rho)"),
  continual: z.boolean().default(false).describe("clients that are not chosen in a round go on training"),
  participants: z.int().positive().default(4).describe("clients that send in a round; used with continual"),
});

/** Places in `exchange.parts` of the continual form. */
export const CHOSEN = 0;
export const SILENT = 1;

export function rerce(options: z.input<typeof rerceOptions> = {}): Algorithm {
  const settings = rerceOptions.parse(options);
  const form = settings.continual ? continualForm(settings.participants) : basicForm;
  return {
    name: "rerce",
    options: settings,
    init: (parameters) => ({ vectors: { parameters, previous: parameters }, scalars: {} }),
    client: proximalClient(settings.proximalStrength, form),
    wholePopulation: settings.continual,
    ...form.server,
  };
}

/** What a client of a round works towards. */
interface Aim {
  readonly target: ParameterTensors;
  /** 1 where the client takes its step in this round, else 0; scalars. */
  readonly active: ParameterTensors;
}

/** How the two forms differ. */
interface Form {
  readonly server: Pick<Algorithm, "exchange" | "assign" | "broadcast" | "update">;
  aim(local: Local): Aim;
  result(model: ParameterTensors, aim: Aim, local: Local): ClientResult;
}

const visitedFlag = ({ state }: Local): Tensor => state["visited"]!["visited"]!;
const after = { visited: scalarLayout("visited") };
const once = (flag: ParameterTensors): ParameterTensors => combine((x) => add(mul(x, 0), 1), flag);

function proximalClient(rho: number, form: Form): ClientHalf {
  return {
    begin(local, settings): TensorTree {
      requirePlainSteps(settings);
      const { target, active } = form.aim(local);
      return combine((s, on, x) => where(greater(on, 0), s, x), target, active, local.state["model"]!) as TensorTree;
    },
    step(carry, local) {
      const y = carry as ParameterTensors;
      const { target, active } = form.aim(local);
      const { loss, gradients } = local.gradient(y);
      const own = local.gradient(local.state["model"]!).gradients;
      const visited = visitedFlag(local);
      const direction = combine(
        (g, o, at, s) => add(sub(g, mul(o, visited)), mul(sub(at, s), rho)),
        gradients,
        own,
        y,
        target,
      );
      const next = combine((at, d, on) => sub(at, mul(mul(d, on), local.learningRate)), y, direction, active);
      return { carry: next as TensorTree, loss };
    },
    end: (carry, local) => form.result(carry as ParameterTensors, form.aim(local), local),
  };
}

const basicForm: Form = {
  server: {
    exchange: (model): Exchange => ({
      down: { target: model },
      up: { model: { layout: model, aggregation: "uniformMean" } },
      client: { model, ...after },
    }),
    broadcast: ({ vectors: { parameters, previous } }) => ({
      target: combineVectors((now, before) => 2 * now - before, parameters, previous!),
    }),
    update: (state, aggregate) => ({
      ...state,
      vectors: { parameters: aggregate["model"]!, previous: state.vectors.parameters },
    }),
  },
  aim: ({ broadcast }) => ({
    target: broadcast["target"]!,
    active: combine(() => constant(1), broadcast["target"]!),
  }),
  result: (model, _aim, { state }) => ({ update: { model }, state: { model, visited: once(state["visited"]!) } }),
};

function continualForm(participants: number): Form {
  return {
    server: {
      exchange: (model): Exchange => ({
        down: { target: model },
        up: { change: { layout: model, aggregation: "sum" } },
        client: { model, target: model, sent: model, received: scalarLayout("received"), ...after },
        parts: [{ change: model }, { change: layout([]) }],
      }),
      assign(_parts, cohort, key, round) {
        const order = permutation(randomStream(key), cohort.length);
        const chosen = new Set(order.slice(0, round === 1 ? cohort.length : participants));
        return cohort.map((_client, place) => (chosen.has(place) ? CHOSEN : SILENT));
      },
      broadcast: ({ vectors: { parameters } }) => ({ target: parameters }),
      update: ({ vectors, ...state }, aggregate, { population }) => ({
        ...state,
        vectors: { ...vectors, parameters: stepFrom(vectors.parameters, 1 / population, aggregate["change"]!) },
      }),
    },
    aim({ broadcast, state, sent }) {
      const first = sub(1, state["visited"]!["visited"]!);
      const received = state["received"]!["received"]!;
      const hears = combine((chosen) => maximum(chosen, first), sent!["change"]!);
      return {
        target: combine((h, s, old) => where(greater(h, 0), s, old), hears, broadcast["target"]!, state["target"]!),
        active: combine((h) => maximum(h, received), hears),
      };
    },
    result(model, { target }, { broadcast, state, sent }) {
      const visited = state["visited"]!["visited"]!;
      const chosen = sent!["change"]!;
      const known = (kept: ParameterTensors) =>
        combine((old, s) => where(greater(visited, 0), old, s), kept, broadcast["target"]!);
      const newest = combine((x, before) => sub(mul(x, 2), before), model, known(state["model"]!));
      const before = known(state["sent"]!);
      const change = combine((u, old, on) => mul(sub(u, old), on), newest, before, chosen);
      const anyChosen = Object.values(chosen)[0]!;
      const received = combine((flag) => maximum(flag, mul(anyChosen, visited)), state["received"]!);
      return {
        update: { change },
        state: { model, target, sent: combine(add, before, change), received, visited: once(state["visited"]!) },
      };
    },
  };
}
