import {
  add,
  greater,
  mul,
  type NamedTensors,
  type Optimizer,
  type OptimizerState,
  refreshBelow,
  reshape,
  sub,
  type TensorTree,
  trace,
  type WarmStart,
  where,
} from "@anabranch/engine";
import type { CodecSpec } from "../codecs/index.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type {
  Algorithm,
  ClientHalf,
  Exchange,
  Local,
  LocalSettings,
  ParameterTensors,
  ServerState,
  Upload,
} from "./algorithm.ts";
import type { Curvature } from "./curvature.ts";
import { modelDelta } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, stepFrom, zeros } from "./server.ts";

/** How clients' preconditioners become one that all start from. */
export interface Alignment {
  /** What travels for preconditioners of this layout. */
  layout(preconditioner: Layout, model: Layout): Layout;
  pack(preconditioner: NamedTensors, model: Layout): ParameterTensors;
  unpack(packed: ParameterTensors, model: Layout): NamedTensors;
  /** Encodes what clients send of it. Default: none. */
  readonly codec?: CodecSpec;
}

/** The preconditioner travels as it is. */
export const wholePreconditioner: Alignment = {
  layout: (preconditioner) => preconditioner,
  pack: (preconditioner) => preconditioner,
  unpack: (packed) => packed,
};

/** Share of the last global direction G in a local step from the direction u of the optimizer. */
export interface Pull {
  /** "convex": (1 - share) * u + share * G; "additive": u + share * G. */
  readonly form: "convex" | "additive";
  readonly share: number;
}

/** What distinguishes the methods whose clients run an optimizer with a preconditioner of its own. */
export interface PreconditionedRule {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  optimizer(model: Layout, settings: LocalSettings): Optimizer;
  /** For optimizers that ask for one. */
  readonly curvature?: Curvature | undefined;
  readonly alignment: Alignment | undefined;
  /** False: preconditioners are uploaded to measure their drift, and clients start from their own. Default true. */
  readonly warmStart?: boolean;
  readonly pull: Pull;
}

const STEPS = layout([{ name: "steps", shape: [1], role: "vector", block: "steps" }]);
const PLAIN: LocalSettings = { momentum: 0, nesterov: false, weightDecay: 0 };

/**
 * The round that local optimizers share (the template of FedPAC, arXiv:2602.19271): every client starts its optimizer from
 * the mean preconditioner of the round before (or from zeros), mixes the last global direction into each step, and sends
 * its update and its preconditioner.
 */
export function preconditioned(rule: PreconditionedRule): Algorithm {
  const pulled = rule.pull.share > 0;
  const { alignment } = rule;
  const warmStart = alignment !== undefined && rule.warmStart !== false;
  const countsSteps = pulled || warmStart;
  return {
    name: rule.name,
    options: rule.options,
    exchange(model): Exchange {
      const packed = alignment?.layout(preconditionerLayout(rule.optimizer(model, PLAIN), model), model);
      return {
        down: {
          parameters: model,
          ...(packed !== undefined && warmStart ? { preconditioner: packed, steps: STEPS } : {}),
          ...(pulled ? { direction: model } : {}),
        },
        up: {
          delta: { layout: model, aggregation: "weightedMean" },
          ...(packed === undefined ? {} : { preconditioner: averaged(packed, alignment?.codec) }),
        },
        client: {},
      };
    },
    init(parameters, { down }) {
      const start = Object.keys(down).filter((name) => name !== "parameters");
      const vectors = start.map((name) => [name, zeros(parameters, down[name]!.size)]);
      return { vectors: { parameters, ...Object.fromEntries(vectors) }, scalars: {} };
    },
    client: preconditionedClient(rule),
    broadcast: ({ vectors }) => vectors,
    countsSteps,
    update(state, aggregate, round): ServerState {
      const delta = aggregate["delta"]!;
      const vectors: Record<string, typeof delta> = {};
      if (pulled) {
        const reach = round.weightedSteps * round.learningRate;
        vectors["direction"] = combineVectors((d) => -d / reach, delta, delta);
      }
      if (warmStart) {
        vectors["preconditioner"] = aggregate["preconditioner"]!;
        vectors["steps"] = state.vectors["steps"]!.map((t) => t + round.localSteps) as typeof delta;
      }
      return { ...state, vectors: { ...vectors, parameters: stepFrom(state.vectors.parameters, 1, delta) } };
    },
  };
}

function averaged(preconditioner: Layout, codec: CodecSpec | undefined): Upload {
  const encoding = codec === undefined ? {} : { codec };
  return { layout: preconditioner, aggregation: "uniformMean", drift: true, ...encoding };
}

interface Carry {
  readonly parameters: ParameterTensors;
  readonly optimizer: OptimizerState;
}

function preconditionedClient(rule: PreconditionedRule): ClientHalf {
  const { alignment, curvature, pull } = rule;
  return {
    ...(curvature === undefined ? {} : { draws: curvature.draws }),
    begin(local, settings): TensorTree {
      const parameters = local.broadcast["parameters"]!;
      const optimizer = rule.optimizer(local.model, settings);
      const own = optimizer.init(parameters);
      if (alignment === undefined || rule.warmStart === false) return { parameters, optimizer: own };
      return { parameters, optimizer: optimizer.init(parameters, globalStart(alignment, own.preconditioner, local)) };
    },
    step(carry, local, settings) {
      const { parameters, optimizer } = carry as unknown as Carry;
      const { loss, gradients } = local.gradient(parameters);
      const context =
        curvature === undefined ? local : { ...local, curvature: () => curvature.estimate(parameters, local) };
      const own = rule.optimizer(local.model, settings).direction(gradients, optimizer, parameters, context);
      const direction = pull.share > 0 ? mixed(own.direction, local.broadcast["direction"]!, pull) : own.direction;
      const next = combine((y, u) => sub(y, mul(u, local.learningRate)), parameters, direction);
      return { carry: { parameters: next, optimizer: own.state } as TensorTree, loss };
    },
    end(carry, local) {
      const { parameters, optimizer } = carry as unknown as Carry;
      const delta = modelDelta(parameters, local);
      if (alignment === undefined) return { update: { delta }, state: {} };
      return { update: { delta, preconditioner: alignment.pack(optimizer.preconditioner, local.model) }, state: {} };
    },
    refresh: (model, settings) =>
      refreshBelow("optimizer", rule.optimizer(model, settings).refresh?.(entryTypes(model))),
  };
}

/** The broadcast preconditioner; before the first round the optimizer's own. */
function globalStart(alignment: Alignment, own: NamedTensors, { broadcast, model }: Local): WarmStart {
  const steps = reshape(broadcast["steps"]!["steps"]!, []);
  const received = alignment.unpack(broadcast["preconditioner"]!, model);
  const begun = greater(steps, 0);
  return { preconditioner: combine((x, start) => where(begun, x, start), received, own), steps };
}

function mixed(own: ParameterTensors, global: ParameterTensors, { form, share }: Pull): ParameterTensors {
  const keep = form === "convex" ? 1 - share : 1;
  return combine((u, g) => add(mul(u, keep), mul(g, share)), own, global);
}

/** Names and shapes of an optimizer's preconditioner for a model, from a trace of its start. */
function preconditionerLayout(optimizer: Optimizer, model: Layout): Layout {
  const start = trace(({ parameters }) => ({ ...optimizer.init(parameters).preconditioner }), {
    parameters: entryTypes(model),
  });
  const owners = new Map(model.entries.map((entry) => [entry.name, entry]));
  return layout(
    start.outputs.map(({ name, tensor }) => {
      const { role, block } = owners.get(name.split("/")[0]!)!;
      return { name, shape: tensor.shape as number[], role, block };
    }),
  );
}
