/**
 * DiLoCo: clients take many steps of an adaptive optimizer whose state they keep between rounds; the server takes Nesterov
 * steps on the mean update.
 *
 * Citation: A. Douillard, Q. Feng, A. A. Rusu, R. Chhaparia, Y. Donchev, A. Kuncoro, M. Ranzato, A. Szlam, J. Shen, "DiLoCo:
 * Distributed Low-Communication Training of Language Models", 2023, arXiv:2311.08105 (Algorithm 1).
 *
 * Update rule:
 *   client: y <- X;  H times: y <- y - eta * O(g_i(y));  D_i = y - X;  the state of O stays on the client
 *   u <- mu * u + Dbar;  X <- X + eta_o * (Dbar + mu * u)
 *
 * Symbols: X -> parameters -> [d]; u -> momentum -> [d]; O -> optimizer -> []; H -> training.localSteps -> [];
 *   mu -> serverMomentum -> []; eta_o -> serverLearningRate -> []; b1 -> beta1 -> []; b2 -> beta2 -> []; eps -> epsilon -> []
 * State: server {parameters [d], momentum [d]}; client {optimizer: with AdamW 2d + 2; visited [1]}.
 * Wire: down d, up d.
 * Differences: updates are averaged as aggregation.weighting says (the paper: uniformly). AdamW's options are those of
 *   `local`; the paper's are training.weightDecay = 0.1 and beta2 = 0.95 (released codes). D has the sign of an update here, of
 *   a gradient there. Where only some clients take part, the state of the others waits until their next round.
 */
import {
  greater,
  mapTensors,
  mul,
  type Optimizer,
  type OptimizerState,
  sub,
  type TensorTree,
  takeStep,
  tensorLeaves,
  trace,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Algorithm, ClientHalf, Local, LocalSettings, ParameterTensors } from "./algorithm.ts";
import { localOptimizer, optimizerShape, requireFamily } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";
import { nesterov, scalarLayout, zeros } from "./server.ts";

const { beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly } = optimizerShape;
export const dilocoOptions = z
  .strictObject({
    optimizer: z.enum(["adamw", "muon", "sgd"]).default("adamw").describe("inner optimizer (O)"),
    ...{ beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly },
    serverMomentum: z.number().min(0).lt(1).default(0.9).describe("Nesterov momentum of the server (mu)"),
    serverLearningRate: z.number().positive().default(0.7).describe("outer learning rate (eta_o)"),
  })
  .superRefine(requireFamily);

export function diloco(options: z.input<typeof dilocoOptions> = {}): Algorithm {
  const settings = dilocoOptions.parse(options);
  const inner = (model: Layout, run: LocalSettings) => localOptimizer(settings, model, run);
  return {
    name: "diloco",
    options: settings,
    exchange: (model) => ({
      down: { parameters: model },
      up: { delta: { layout: model, aggregation: "weightedMean" } },
      client: { optimizer: stateLayout(inner(model, PLAIN), model), visited: scalarLayout("visited") },
    }),
    init: (parameters) => ({ vectors: { parameters, momentum: zeros(parameters) }, scalars: {} }),
    client: persistentClient(inner),
    broadcast: ({ vectors: { parameters } }) => ({ parameters }),
    update: (state, aggregate) => ({
      ...state,
      vectors: nesterov(state, aggregate["delta"]!, settings.serverMomentum, settings.serverLearningRate),
    }),
  };
}

const PLAIN: LocalSettings = { momentum: 0, nesterov: false, weightDecay: 0 };

interface Carry {
  readonly parameters: ParameterTensors;
  readonly optimizer: OptimizerState;
}

/** Local steps of an optimizer that goes on from where the client's last round left it. */
function persistentClient(inner: (model: Layout, run: LocalSettings) => Optimizer): ClientHalf {
  return {
    begin(local, settings): TensorTree {
      const parameters = local.broadcast["parameters"]!;
      return { parameters, optimizer: resumed(inner(local.model, settings).init(parameters), local) };
    },
    step(carry, local, settings) {
      const { parameters, optimizer } = carry as unknown as Carry;
      const { loss, gradients } = local.gradient(parameters);
      const next = takeStep(inner(local.model, settings), gradients, optimizer, parameters, local);
      return { carry: { parameters: next.parameters, optimizer: next.state } as TensorTree, loss };
    },
    end(carry, local) {
      const { parameters, optimizer } = carry as unknown as Carry;
      const kept = Object.fromEntries(tensorLeaves(optimizer).map(({ path, leaf }) => [path, leaf]));
      const visited = combine((flag) => sub(1, mul(flag, 0)), local.state["visited"]!);
      return { update: { delta: modelDelta(parameters, local) }, state: { optimizer: kept, visited } };
    },
  };
}

/** The kept state of the optimizer; its own start at a client's first round. */
function resumed(start: OptimizerState, { state }: Local): OptimizerState {
  const visited = greater(state["visited"]!["visited"]!, 0);
  return mapTensors(start, (own, path) => where(visited, state["optimizer"]![path]!, own));
}

/** Names and shapes of an optimizer's whole state for a model, from a trace of its start. */
function stateLayout(optimizer: Optimizer, model: Layout): Layout {
  const start = trace(({ parameters }) => ({ ...optimizer.init(parameters) }), { parameters: entryTypes(model) });
  return layout(
    start.outputs.map(({ name, tensor }) => ({ name, shape: tensor.shape as number[], role: "vector", block: name })),
  );
}
