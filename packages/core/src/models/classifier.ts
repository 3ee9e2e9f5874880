import { nn, type Tensor } from "@anabranch/engine";
import { classification, type Model, type ModelBlocks, regression } from "./model.ts";

/** What a classifier needs beyond its network. */
export interface ClassifierSettings {
  readonly input: readonly number[];
  readonly inputType: "uint8" | "float" | "int32";
  readonly labelType: "uint8" | "int32" | "float";
  readonly classes: number;
}

/** A model with one label per example: raw features -> prepare -> network -> logits [N, classes], or numbers [N, 1]. */
export function classifier(
  name: string,
  settings: ClassifierSettings,
  network: nn.Module,
  prepare: (features: Tensor) => Tensor,
): Model {
  return {
    name,
    parameters: network.parameters,
    masks: network.masks,
    features: { dtype: settings.inputType, shape: settings.input },
    labels: { dtype: settings.labelType, shape: [] },
    ...(settings.labelType === "float" ? regression() : classification(settings.classes)),
    forward: (parameters, features, context) => network.apply(parameters, prepare(features), context),
  };
}

/** A classifier whose network is made of blocks that follow each other. */
export function withBlocks(name: string, settings: ClassifierSettings, blocks: ModelBlocks): Model {
  const network = nn.sequential(blocks.before, ...blocks.blocks, blocks.after);
  return { ...classifier(name, settings, network, blocks.prepare), blocks };
}
