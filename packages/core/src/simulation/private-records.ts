import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { Model } from "../models/model.ts";
import type { Federation } from "./federation.ts";

/**
 * Refuses what would let a record count otherwise than once: replacing one must move one update by no more than twice the
 * clip norm over its number of records, and no other. Throws `config/conflict`.
 */
export function requireRecords(
  { training, privacy, data }: Config,
  { name }: Algorithm,
  model: Model,
  federation: Federation,
): void {
  const refuse = (key: string, received: unknown, expected: string, advice: string) => {
    throw conflict(key, `${received}, with algorithm.name = "${name}" at record level`, expected, advice);
  };
  if (model.graph !== undefined) {
    const advice =
      "The features of a node enter the gradients of its neighbours, so one node would move several. Choose client-level privacy, such as dp-fedavg, or a model of single examples, such as mlp.";
    refuse("model.name", `"${model.name}"`, "a model of single examples", advice);
  }
  const { batchSize, localSteps, localEpochs } = training;
  if (batchSize !== 1) refuse("training.batchSize", batchSize, "1", "Each step clips the gradient of one record.");
  const once = "training.localEpochs = 1";
  if (localSteps !== undefined) refuse("training.localSteps", localSteps, once, "Every record counts once in a round.");
  if (localEpochs !== 1) refuse("training.localEpochs", localEpochs, once, "Every record counts once in a round.");
  const { families, gridsPerImage } = data.questions;
  if (families.length > 0 && gridsPerImage > 1) {
    const advice = "An image would be in several records, and be protected less than epsilon says.";
    refuse("data.questions.gridsPerImage", gridsPerImage, "1", advice);
  }
  const { mechanism, clipping } = privacy;
  if (mechanism !== "gaussian") {
    refuse(
      "privacy.mechanism",
      `"${mechanism}"`,
      '"gaussian"',
      "Discrete noise supports only client-level privacy: remove [secureAggregation], too.",
    );
  }
  if (clipping !== "flat") {
    refuse(
      "privacy.clipping",
      `"${clipping}"`,
      '"flat"',
      "Gradients of records are clipped over all parameters together.",
    );
  }
  const { scheme } = data.partition;
  if (federation.statistics.duplicated > 0) {
    refuse(
      "data.partition.scheme",
      `"${scheme}", whose examples lie in several places`,
      "a partition without repeats",
      'A record that counts twice would be protected half: choose "iid", "natural" or another scheme without repeats; for "dirichlet" recipe = "disjoint".',
    );
  }
  if (federation.examplesHeld.fewest === 0) {
    refuse(
      "data.partition.scheme",
      `"${scheme}", with a client without examples`,
      "at least one example for each client",
      "Choose fewer clients or another scheme.",
    );
  }
}
