/** What methods ask of a run beside their vectors. */
import type { Tensor } from "@anabranch/engine";
import type { ClassScores } from "../aggregation/bristle.ts";
import type { SplitTraining } from "../heterogeneity/split-training.ts";
import type { Selectors } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { DirectionDraw } from "../seeded/index.ts";

/** Local work: whole passes over a client's examples, or a number of local steps. */
export type PersonalWork = { readonly localEpochs: number } | { readonly localSteps: number };

/** Parameters that the clients of a method keep to themselves, beside the shared ones that its halves know. */
export interface PersonalParameters {
  /** Which, unless the configuration says so in `parameters.personal`. */
  readonly layers: Selectors;
  /** True: a model that has no parameters of these roles shares all of them. Default: such a model is refused. */
  readonly ifPresent?: boolean;
  /**
   * "together": each local step moves them, too. Otherwise they train first, by themselves, for so long, and stay as they are in
   * the local steps of the method. Default "together".
   */
  readonly train?: "together" | PersonalWork;
  /** Where some train first, which of the personal ones: local steps move the others. Default: all. */
  readonly first?: Selectors;
  /** Those of them that each client draws for itself at its first visit, standard normal. Default: none. */
  readonly drawn?: Selectors;
  /** Bound of the gradient by which local steps move personal parameters, over all of them. Default: none. */
  readonly clip?: number | undefined;
}

/** Chains of compression operators, as a configuration writes them. */
export interface DefaultCompression {
  readonly up?: readonly string[];
  readonly down?: readonly string[];
  /** True: they are part of the method, and a configuration cannot set others. */
  readonly isFixed?: boolean;
}

/** Bytes of the messages of a round. */
export interface CarriedBytes {
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Of the largest message in either direction: the peak of one exchange. */
  readonly largestMessage: number;
}

/** What methods ask of a run whose server has a part of the model. */
export interface SplitNeeds {
  /** Present in methods whose clients train with a server that has the middle of the model, batch by batch. */
  readonly splitTraining?: SplitTraining;
  /**
   * Bytes of the messages that a client and the server exchange while the client trains, from what its update says in
   * public; they count beside those of the broadcast and the update. Default: none.
   */
  exchanged?(update: { readonly examples: number; readonly steps: number }, float: "float32" | "float64"): CarriedBytes;
}

/** What payloads may depend on beside the model. */
export interface PayloadSettings {
  /** Local steps of every client, where the configuration fixes them. */
  readonly localSteps?: number | undefined;
  /** Public examples of the run, and outputs of the model for each; absent where the method uses none. */
  readonly publicOutputs?: readonly [examples: number, outputs: number];
}

/** A model [d] that a client is to judge on its own hold-out. */
export interface Question {
  readonly client: number;
  readonly model: Vector;
}

/** F1 scores by class, of the classes that the client's hold-out has. Simulations answer. */
export type Judge = (question: Question) => Promise<ClassScores>;

/** How nodes without a server pick the cohort of a round. */
export interface NodeSampling {
  /** Nodes that average. */
  readonly aggregators: number;
  /** Part of the cohort's models that each of them waits for. */
  readonly successFraction: number;
  /** Rounds without a sign of life after which a node is left out. */
  readonly activityWindow: number;
}

/** Columns of numbers by name, drawn in rounds in which the client sends some of the vector `of`. */
export interface DirectionsByExample {
  readonly of: string;
  readonly columns: Readonly<Record<string, number>>;
}

/** What enters the head of a classifier, [n, q], and the labels, int32 [n]. Traced where it is asked for. */
export interface Representations {
  readonly features: Tensor;
  readonly labels: Tensor;
}

/** A mini-batch of a classifier under a model, traced. */
export interface BatchOutputs {
  /** As the model gives them, [B, C]. */
  readonly outputs: Tensor;
  /** [B] int32 */
  readonly labels: Tensor;
  /** [B], sum 1; 0 for padding. */
  readonly weights: Tensor;
}

/** Randomness that the local steps of a client half ask for, drawn by the host from the run's seed. */
export type DrawSpec = NumberDraw | DirectionDraw;

export interface NumberDraw {
  /**
   * "signs": +1 or -1 for each parameter of the model; "normal": standard normal numbers for each; "uniform": a number in
   * [0, 1) for each label of the mini-batch; "features": standard normal numbers for each example's input of the head;
   * "uniformFeatures": the same of [0, 1).
   */
  readonly kind: "signs" | "normal" | "uniform" | "features" | "uniformFeatures";
  /** Draws for the first step and every `every` steps on; in other steps all signs are -1 and all numbers 0. Default 1. */
  readonly every?: number;
  /**
   * Normal numbers in place of drawn ones, for traces: by "ROUND/CLIENT", [steps][d] in the order of the layout.
   */
  readonly given?: Readonly<Record<string, readonly (readonly number[])[]>>;
}
