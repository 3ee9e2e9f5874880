import { AnabranchError, add, concat, mul, slice, type Tensor } from "@anabranch/engine";
import { type DistillationOptions, taughtLosses } from "../adapters/distillation.ts";
import { adaptedForward, bottleneck, bottleneckParameters } from "../models/bottlenecks.ts";
import { type Model, type ModelParameters, singleLabelClasses } from "../models/model.ts";

/** Which adapters a model has in use. */
export type DualUse = "dual" | "local" | "shared";

/** How both adapters learn from each other, and which are in use. */
export interface DualAdapterSettings extends DistillationOptions {
  readonly use: DualUse;
}

/** Names of a layer's adapters, after that of the layer: a1 and a0. */
const [SHARED, LOCAL] = ["adapter", "local"];
/** Prefix of a1 as received: a2. */
const RECEIVED = "received.";

/**
 * A model with bottleneck adapters, with a second, local one for each: a1 is shared, a0 local, and a2 is a1 as received. While
 * it is trained, its outputs are those with a1 and, below them, those with the mean of a0 and a2. Each learns from its task
 * and from the other, which has no gradient: as a2 stays as it is, a0 learns from the second ones alone, and a1 from the
 * first. In use it has the mean of a0 and a1 unless settings say otherwise.
 *
 * Citation: H. Chen et al., "FedDAT: An Approach for Foundation Model Finetuning in Multi-Modal Heterogeneous Federated
 * Learning", AAAI 2024, arXiv:2308.12305.
 * @throws `adapters/dual` for models without bottleneck adapters, or that give an example no single class
 * @example
 * ```ts
 * import { mlp, withBottlenecks, withDualAdapters } from "@anabranch/core";
 * const model = withBottlenecks(mlp({ input: [4], hidden: [8], classes: 2 }), { units: 2 });
 * const { parameters } = withDualAdapters(model, { use: "dual" });
 * parameters.filter(({ block }) => block === "dense1.local").map(({ name }) => name).at(0); // => "dense1.local.down.weight"
 * ```
 */
export function withDualAdapters(configured: Model, settings: DualAdapterSettings): Model {
  const { base, layers, units } = requireAdapters(configured);
  const { sample: _sample, sliced: _sliced, bottlenecks: _shared, ...rest } = configured;
  const shared = bottleneckParameters(layers, units, SHARED!);
  const received = Object.fromEntries(
    shared.map(({ name }) => [RECEIVED + name, { vector: "parameters", entry: name }]),
  );
  const single = (kind: string) =>
    adaptedForward(base, layers, (parameters, layer, y) => bottleneck(parameters, layer, kind, y));
  const both = adaptedForward(base, layers, (parameters, layer, y) =>
    mul(add(bottleneck(parameters, layer, LOCAL!, y), bottleneck(asReceived(parameters), layer, SHARED!, y)), 0.5),
  );
  const inUse = { dual: both, local: single(LOCAL!), shared: single(SHARED!) }[settings.use];
  return {
    ...rest,
    parameters: [...configured.parameters, ...bottleneckParameters(layers, units, LOCAL!)],
    received,
    forward(parameters, features, context) {
      if (context?.masks === undefined) return inUse(parameters, features, context);
      return concat([single(SHARED!)(parameters, features, context), both(parameters, features, context)], 0);
    },
    losses(outputs, labels) {
      const [n, rows] = [labels.shape[0]!, outputs.shape[0]!];
      if (typeof n !== "number" || rows !== 2 * n) return base.losses(outputs, labels);
      const [first, second] = [rowsFrom(outputs, 0, n), rowsFrom(outputs, n, n)];
      const taught = (student: Tensor, teacher: Tensor) =>
        taughtLosses(base.losses(student, labels), student, teacher, settings);
      return add(taught(first, second), taught(second, first));
    },
  };

  /** The shared adapters as received; in evaluation nothing else is. */
  function asReceived(parameters: ModelParameters): ModelParameters {
    const values = Object.entries(received).map(([as, { entry }]) => [entry, parameters[as] ?? parameters[entry]!]);
    return Object.fromEntries(values);
  }
}

function rowsFrom(x: Tensor, from: number, count: number): Tensor {
  return slice(x, [from, 0], [from + count, x.shape[1] as number]);
}

function requireAdapters(model: Model) {
  const { name, bottlenecks } = model;
  const refuse = (received: string, expected: string, advice: string) =>
    new AnabranchError({
      code: "adapters/dual",
      message: "the method needs a classifier with bottleneck adapters",
      where: `model ${name}`,
      received,
      expected,
      advice,
    });
  if (bottlenecks === undefined)
    throw refuse("no bottleneck adapters", "adapters after its layers", "Set adapters.bottleneck = 16.");
  if (singleLabelClasses(model) === undefined)
    throw refuse("other labels than one class per example", "one", 'Use model "mlp", "vit" or another classifier.');
  return bottlenecks;
}
