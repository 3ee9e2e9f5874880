import type { HostTensor } from "@anabranch/engine";
import type { Algorithm, PayloadSettings } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { type ArrayDataset, exampleCount, selectRows, type TestRows } from "../data/index.ts";
import { type Model, singleLabelClasses } from "../models/model.ts";
import type { Layout } from "../params/layout.ts";
import { deriveKey, permutation, randomStream, rootKey } from "../random/index.ts";
import type { SubModels } from "../submodels/index.ts";

/** A test set, and the examples that were taken out of it; a method that declares no `publicTraining` never has their labels. */
export interface PublicExamples {
  readonly test: ArrayDataset;
  /** Absent: none were taken. */
  readonly publicSet?: ArrayDataset;
}

/** What a server needs to train on labelled public examples. */
export interface PublicTrainingParts {
  readonly model: Model;
  readonly layout: Layout;
  readonly subModels: SubModels | undefined;
  readonly examples: LabelledExamples;
  readonly seed: number;
}

/** Examples in the element types that a model's programs take, [m, ...]. */
export interface LabelledExamples {
  readonly features: HostTensor;
  readonly labels: HostTensor;
}

/**
 * Takes public examples out of a test set, at random, so that no evaluation has them. Throws `config/conflict` where they are
 * too few, or clients' own.
 */
export function withPublicExamples(
  { data: { publicExamples: count }, seed }: Pick<Config, "data" | "seed">,
  test: ArrayDataset,
  testRows: TestRows | undefined,
): PublicExamples {
  if (count === undefined) return { test };
  if (testRows === "clients") {
    const advice = "Public examples are nobody's. Use data with a test set of its own, e.g. csv:PATH?test=PATH.";
    throw conflict("data.publicExamples", `${count}, of test examples that are the clients' own`, "nothing", advice);
  }
  const all = exampleCount(test);
  if (count >= all) {
    const advice = "They are taken out of the test set, which has to keep some: lower data.publicExamples.";
    throw conflict("data.publicExamples", `${count}, of ${all} test examples`, `at most ${all - 1}`, advice);
  }
  const order = permutation(randomStream(deriveKey(rootKey(seed), "public")), all);
  const [taken, left] = [order.slice(0, count).sort(), order.slice(count).sort()];
  return { test: selectRows(test, left), publicSet: selectRows(test, taken) };
}

/** What the messages of a method depend on beside the model. Throws `config/conflict` where public examples are missing. */
export function payloadSettings(
  { training: { localSteps }, data: { publicExamples } }: Pick<Config, "training" | "data">,
  {
    name,
    usesPublicExamples = false,
    publicTraining,
  }: Pick<Algorithm, "name" | "usesPublicExamples" | "publicTraining">,
  model: Model,
): PayloadSettings {
  if (publicTraining !== undefined && publicExamples === undefined) {
    const advice = "The server trains on public examples. Set it, e.g. to 300: they leave the test set.";
    throw conflict("data.publicExamples", `nothing, with algorithm.name = "${name}"`, "a number of examples", advice);
  }
  if (!usesPublicExamples) return { localSteps };
  const classes = singleLabelClasses(model);
  if (classes === undefined) {
    const advice = "Clients compare probabilities of classes, one set for each example. Choose a classifier.";
    throw conflict("model.name", `"${model.name}", with algorithm.name = "${name}"`, "a classifier", advice);
  }
  if (publicExamples === undefined) {
    const advice = "Clients compare their models on public examples. Set it, e.g. to 200: they leave the test set.";
    throw conflict("data.publicExamples", `nothing, with algorithm.name = "${name}"`, "a number of examples", advice);
  }
  return { localSteps, publicOutputs: [publicExamples, classes] };
}
