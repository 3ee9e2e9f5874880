import type { Initializer, nn, ParameterRole, Tensor } from "@anabranch/engine";
import { Contract, describe, isRecord, type Origin } from "../config/contract.ts";
import type { Model } from "../models/model.ts";

const ROLES: readonly ParameterRole[] = [
  "matrix",
  "vector",
  "convKernel",
  "embedding",
  "normalization",
  "head",
  "statistics",
];
const INITIALIZERS: readonly Initializer["kind"][] = ["zeros", "ones", "uniform", "normal"];

/**
 * An own model with every result checked while it is traced. Throws `model/...`, naming the file, the part, and the
 * nearest right name.
 */
export function checkedModel(model: Model, origin: Origin | undefined): Model {
  const contract = new Contract("model", `own model ${JSON.stringify(model.name)}`, origin);
  checkDeclaration(contract, model);
  const traced = (part: string, call: () => Tensor): Tensor => {
    const result = contract.attempt(part, call);
    return contract.tensor(part, result);
  };
  const perExample = (part: string, call: () => Tensor): Tensor => {
    const result = traced(part, call);
    if (result.shape.length === 1) return result;
    throw contract.breach("shape", "a model returns not one number per example", part, describe(result), "float[N]");
  };
  const { name, parameters, masks, features, labels, classes, sample } = model;
  return {
    ...model,
    name,
    parameters,
    masks,
    features,
    labels,
    classes,
    forward: (...given) => traced("forward(...)", () => model.forward(...given)),
    losses: (...given) => perExample("losses(...)", () => model.losses(...given)),
    scores: (...given) => perExample("scores(...)", () => model.scores(...given)),
    ...(sample === undefined
      ? {}
      : { sample: (...given) => contract.attempt("sample(...)", () => model.sample!(...given)) }),
  };
}

function checkDeclaration(contract: Contract, { parameters, masks, features, labels, classes }: Model): void {
  requireList(contract, "parameters", parameters);
  for (const [index, spec] of parameters.entries()) checkParameter(contract, `parameters[${index}]`, spec);
  requireList(contract, "masks", masks);
  contract.word("features", "features.dtype", features.dtype, ["uint8", "float", "int32"]);
  requireExtents(contract, "features.shape", features.shape);
  contract.word("labels", "labels.dtype", labels.dtype, ["uint8", "int32"]);
  requireExtents(contract, "labels.shape", labels.shape);
  if (!Number.isInteger(classes) || classes < 1)
    throw contract.breach("classes", "a model has no number of classes", "classes", describe(classes), "an integer");
}

function checkParameter(contract: Contract, part: string, spec: nn.ParameterSpec): void {
  const wanted = "an object with name, shape, role, block, initialize";
  if (!isRecord(spec) || typeof spec.name !== "string" || typeof spec.block !== "string")
    throw contract.breach("parameter", "a parameter of the model is not complete", part, describe(spec), wanted);
  requireExtents(contract, `${part}.shape`, spec.shape);
  contract.word("parameter", `${part}.role`, spec.role, ROLES);
  contract.word("parameter", `${part}.initialize.kind`, spec.initialize?.kind, INITIALIZERS);
}

function requireExtents(contract: Contract, part: string, shape: unknown): void {
  if (Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent > 0)) return;
  const received = Array.isArray(shape) ? `[${shape.map(String).join(", ")}]` : describe(shape);
  throw contract.breach("shape", "a shape is not a list of extents", part, received, "integers above 0");
}

function requireList(contract: Contract, part: string, value: unknown): void {
  if (Array.isArray(value)) return;
  throw contract.breach(part, `the ${part} of the model are not a list`, part, describe(value), "a list");
}
