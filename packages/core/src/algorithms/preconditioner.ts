import {
  greater,
  type NamedTensors,
  type Optimizer,
  type Tensor,
  trace,
  type WarmStart,
  where,
} from "@anabranch/engine";
import type { CodecSpec } from "../codecs/index.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Local, LocalSettings, ParameterTensors } from "./algorithm.ts";
import { type BlockStrategy, blockLayout, blockMeans, expandBlocks } from "./block-means.ts";
import { combine } from "./parameter-tensors.ts";
import { type OwnShape, ownLayout } from "./shapes.ts";

/** How clients send the preconditioner of their optimizer, and start from one. */
export interface PreconditionerExchange {
  readonly shape: OwnShape;
  /** Encodes uploads. */
  readonly codec?: CodecSpec;
  pack(preconditioner: NamedTensors, model: Layout): ParameterTensors;
  unpack(packed: ParameterTensors, model: Layout): NamedTensors;
}

type MakeOptimizer = (model: Layout, settings: LocalSettings) => Optimizer;
const PLAIN: LocalSettings = { momentum: 0, nesterov: false, weightDecay: 0 };

/** The preconditioner as it is. */
export function wholePreconditioner(optimizer: MakeOptimizer, codec?: CodecSpec): PreconditionerExchange {
  return {
    shape: ownLayout((model) => preconditionerLayout(optimizer(model, PLAIN), model)),
    ...(codec === undefined ? {} : { codec }),
    pack: (preconditioner) => preconditioner,
    unpack: (packed) => packed,
  };
}

/** Means over blocks of a preconditioner that has the model's shape. */
export function preconditionerMeans(blocks: BlockStrategy): PreconditionerExchange {
  return {
    shape: ownLayout((model) => blockLayout(model, blocks)),
    pack: (values, model) => blockMeans(values, model, blocks),
    unpack: (means, model) => expandBlocks(means, model, blocks),
  };
}

interface Received {
  readonly preconditioner: ParameterTensors | undefined;
  /** Steps that went into it. */
  readonly steps: Tensor | undefined;
}

/** The broadcast preconditioner; before the first round the optimizer's own, and undefined where none goes down. */
export function receivedStart(
  exchange: PreconditionerExchange,
  own: NamedTensors,
  { broadcast: { preconditioner, steps }, model }: Local<Received, unknown, unknown>,
): WarmStart | undefined {
  if (preconditioner === undefined || steps === undefined) return undefined;
  const begun = greater(steps, 0);
  const received = exchange.unpack(preconditioner, model);
  return { preconditioner: combine((x, start) => where(begun, x, start), received, own), steps };
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
