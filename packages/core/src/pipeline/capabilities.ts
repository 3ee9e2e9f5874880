/**
 * What a method's clients send and keep, and what of that a run can do with it: one table instead of refusals by name. A new
 * method is allowed where its traits allow it.
 */
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";

/** Facts about a method that decide what acts on its updates. */
export interface Capabilities {
  readonly name: string;
  /** Vectors that clients keep between rounds. */
  readonly keeps: readonly string[];
  /** Vectors that clients send. */
  readonly sends: readonly string[];
  /** Whether clients send parts of them. */
  readonly parts: boolean;
  /** Whether some are encoded one update at a time. */
  readonly encoded: boolean;
  /** Whether the method sets the clip norm of each round itself. */
  readonly setsClipNorm: boolean;
  /** Whether clients send models and not changes to them. */
  readonly sendsModels: boolean;
  /** Whether clients send outputs of their models. */
  readonly sendsOutputs: boolean;
  /** Whether its server half knows of factors on the updates. */
  readonly isAsynchronous: boolean;
  /** Vectors whose uploads are added and not averaged. */
  readonly sums: readonly string[];
  /** Vectors whose uploads the server half sees one by one. */
  readonly each: readonly string[];
  /** Vectors that are statistics of clients' classes. */
  readonly classStatistics: readonly string[];
  /** Whether the server computes with the number of local steps of a round. */
  readonly countsSteps: boolean;
  /** Whether all clients have to be in every round. */
  readonly wholePopulation: boolean;
  /** Whether running statistics travel beside the weights. */
  readonly statistics: boolean;
  /** Whether clients rebuild the model from numbers along seeded directions. */
  readonly seeded: boolean;
  /** Whether clients send activations of their examples while they train. */
  readonly splits: boolean;
}

export function capabilitiesOf(algorithm: Algorithm, { upload, clientState, parts, replay }: Payloads): Capabilities {
  return {
    name: algorithm.name,
    keeps: Object.keys(clientState),
    sends: Object.keys(upload),
    parts: parts !== undefined,
    encoded: Object.values(upload).some(({ codec }) => codec !== undefined),
    setsClipNorm: algorithm.privacy?.clipNorm !== undefined,
    sendsModels: algorithm.sendsModels === true,
    sendsOutputs: algorithm.usesPublicExamples === true,
    isAsynchronous: algorithm.buffer !== undefined || algorithm.schedule !== undefined,
    sums: Object.keys(upload).filter((name) => upload[name]!.aggregation === "sum"),
    each: Object.keys(upload).filter((name) => upload[name]!.aggregation === "each"),
    classStatistics: Object.keys(upload).filter((name) => upload[name]!.classStatistics === true),
    countsSteps: algorithm.countsSteps === true,
    wholePopulation: algorithm.wholePopulation === true,
    statistics: Object.values(upload).some(({ statistics }) => statistics === true),
    seeded: replay !== undefined,
    splits: algorithm.splitTraining !== undefined,
  };
}

/** What acts on the updates of a run, by the key that switches it on. */
export type Feature =
  | "adapters.rule"
  | "aggregation.clipNorm"
  | "aggregation.root"
  | "aggregation.rule"
  | "aggregation.rule (norms)"
  | "attack.name"
  | "privacy.mechanism"
  | "privacy.targetQuantile"
  | "schedule.name"
  | "secureAggregation.protocol";

/** Traits that a feature may be unable to handle, and how each is told; undefined where a method does not have it. */
const TRAITS = {
  statistics: ({ statistics }: Capabilities) =>
    statistics ? "whose clients send running statistics of batch normalization" : undefined,
  keeps: ({ keeps }: Capabilities) => (keeps.length === 0 ? undefined : `whose clients keep ${keeps.join(", ")}`),
  severalVectors: ({ sends }: Capabilities) =>
    sends.length === 1 ? undefined : `whose clients send ${sends.join(", ") || "nothing"}`,
  parts: ({ parts }: Capabilities) => (parts ? "whose clients send parts" : undefined),
  encoded: ({ encoded }: Capabilities) => (encoded ? "whose updates are encoded" : undefined),
  setsClipNorm: ({ setsClipNorm }: Capabilities) =>
    setsClipNorm ? "which sets the clip norm of each round itself" : undefined,
  sendsModels: ({ sendsModels }: Capabilities) => (sendsModels ? "whose clients send their models" : undefined),
  sendsOutputs: ({ sendsOutputs }: Capabilities) =>
    sendsOutputs ? "whose clients send outputs of their models" : undefined,
  factoredModels: ({ sendsModels, isAsynchronous }: Capabilities) =>
    sendsModels && !isAsynchronous ? "whose clients send their models" : undefined,
  isAsynchronous: ({ isAsynchronous }: Capabilities) =>
    isAsynchronous ? "which is made for asynchronous rounds" : undefined,
  sums: ({ sums }: Capabilities) => (sums.length === 0 ? undefined : `whose server adds ${sums.join(", ")} up`),
  each: ({ each }: Capabilities) => (each.length === 0 ? undefined : `which needs each ${each.join(", ")} by itself`),
  classStatistics: ({ classStatistics: sent }: Capabilities) =>
    sent.length === 0 ? undefined : `whose clients send statistics of their classes (${sent.join(", ")})`,
  countsSteps: ({ countsSteps }: Capabilities) =>
    countsSteps ? "whose server computes with the local steps of a round" : undefined,
  wholePopulation: ({ wholePopulation }: Capabilities) =>
    wholePopulation ? "where all clients train in every round" : undefined,
  seeded: ({ seeded }: Capabilities) => (seeded ? "whose clients send numbers along seeded directions" : undefined),
  splits: ({ splits }: Capabilities) => (splits ? "whose clients send activations of their examples" : undefined),
} as const;

interface Limit {
  /** What the feature wants instead. */
  readonly expected: string;
  /** Traits that it refuses, each with advice. */
  readonly refuses: Partial<Record<keyof typeof TRAITS, string>>;
}

/** What to do with statistics that cannot travel. */
const KEEP = 'Keep them at clients: parameters.personal = "statistics".';

const ONE_VECTOR = "a method whose clients keep nothing and send one whole vector";

const LIMITS: Readonly<Record<Feature, Limit>> = {
  "adapters.rule": {
    expected: '"fedit" or "ffa"',
    refuses: {
      statistics: `The rule is made for the change of weights. ${KEEP}`,
      keeps: "What clients keep follows the mean of the factors.",
      severalVectors: "The rule is made for the change of the model alone.",
      parts: "The rule needs both factors of every client.",
      encoded: "Switch the light upload off.",
      sendsModels: "The rule is made for changes to a model.",
      sums: "The rule makes a mean, and no sum.",
      each: "The method combines single updates by itself.",
      isAsynchronous: "The rule is for clients that start from the same factors.",
    },
  },
  "aggregation.clipNorm": {
    expected: "0",
    refuses: {
      statistics: `A clipped statistic is wrong. ${KEEP}`,
      classStatistics: "Scaled statistics are wrong ones. Bound single steps instead: training.gradientClip.",
      seeded: "Its numbers belong to directions, and some of them name seeds: they have no common norm.",
      keeps: "Clipped updates would not match what clients keep. Bound single steps instead: training.gradientClip.",
      sendsModels: "A clipped model is another model. Bound single steps instead: training.gradientClip.",
    },
  },
  "aggregation.rule": {
    expected: '"mean"',
    refuses: {
      statistics: `A rule compares changes of weights. ${KEEP}`,
      seeded: "A rule compares updates place by place, and these are along different directions.",
      parts: "A rule compares whole updates.",
      sums: "A rule estimates a mean, and no sum.",
      countsSteps: "A client could claim any number of local steps.",
      each: "The method combines single updates by itself.",
    },
  },
  "aggregation.rule (norms)": {
    expected: '"median" or another rule without norms',
    refuses: {
      statistics: `Statistics have no common norm with weights. ${KEEP}`,
      sendsModels: "A model with a bounded norm is another model.",
    },
  },
  "aggregation.root": {
    expected: "a method whose clients keep nothing",
    refuses: {
      statistics: `The server's own client would send its own. ${KEEP}`,
      keeps: "The server's own client would need such a state as well.",
    },
  },
  "attack.name": {
    expected: "a method whose clients send whole changes to the model as they are",
    refuses: {
      statistics: `Attacks are made for changes to weights. ${KEEP}`,
      sendsOutputs: "Attacks are made for changes to a model.",
      classStatistics: "Attacks are made for changes to a model.",
      seeded: "Attacks are made for changes to a model.",
      parts: "Attackers could not compare updates of different parts.",
      encoded: "A crafted update need not have an encoding.",
      sendsModels: "Attacks are made for changes to a model.",
    },
  },
  "privacy.mechanism": {
    expected: ONE_VECTOR,
    refuses: {
      splits:
        "Activations and their gradients leave the clients as they are, and epsilon would not cover them. Remove [privacy].",
      statistics: `They describe a client's own examples, and epsilon would not cover them. ${KEEP}`,
      sendsOutputs: "Outputs on public examples depend on records, and no mechanism is proved here for them.",
      classStatistics: "Counts and means of classes are data of the clients, and no mechanism here covers them.",
      seeded:
        "No mechanism is proved here for numbers along public directions: a clip norm would not bound the change of the model.",
      keeps: "What a client keeps would differ from what was clipped and noised.",
      severalVectors: "The clip norm is made for one vector; the others would share it.",
      parts: "The mechanism sums whole vectors.",
      encoded: "Decoded updates may exceed the clip norm: switch the light upload off.",
      sendsModels: "A clipped model is another model.",
      each: "The guarantee is for sums, and here single updates are used.",
    },
  },
  "privacy.targetQuantile": {
    expected: "nothing",
    refuses: { setsClipNorm: "Leave privacy.targetQuantile out." },
  },
  "schedule.name": {
    expected: "a method whose server needs only the mean of what its clients send",
    refuses: {
      statistics: `Factors for staleness are for changes to weights. ${KEEP}`,
      seeded: "Directions belong to a round, which all of its updates have to share.",
      severalVectors: "Factors for staleness are made for one vector.",
      factoredModels: "A factor for staleness is for the change to a model.",
      parts: "Parts are assigned over a cohort that is known when its round begins.",
      sums: "Its sums are over the clients of one round.",
      countsSteps: "Updates of one round were trained at the learning rates of several.",
      wholePopulation: "An asynchronous round takes the updates that arrive first.",
      each: "Single updates of a round are combined when all of them are there.",
    },
  },
  "secureAggregation.protocol": {
    expected: ONE_VECTOR,
    refuses: {
      splits:
        "The server needs the activations of each client, so a sum of updates would hide nothing. Remove [secureAggregation].",
      statistics: `One range and one number of bits serve weights alone. ${KEEP}`,
      sendsOutputs: "The server compares the outputs of single clients.",
      classStatistics: "The server needs the classes of each client by itself, which a sum hides.",
      seeded: "Its clients send few numbers at chosen places; a sum would need all of them from everyone.",
      keeps: "After a round without a sum, or where values were clipped, clients and server would disagree.",
      severalVectors: "One range and one number of bits serve one vector.",
      parts: "Sums of parts would reveal which client sent which part.",
      encoded: "Factors of matrices cannot be added: switch the light upload off.",
      sendsModels: "Its range is made for changes to a model.",
      each: "Its purpose is to hide single updates.",
    },
  },
};

/** Refuses (`config/conflict`) a feature that the method cannot have. `value`: what switches it on. */
export function requireCapable(feature: Feature, value: string, method: Capabilities): void {
  const { expected, refuses } = LIMITS[feature];
  for (const [trait, advice] of Object.entries(refuses) as [keyof typeof TRAITS, string][]) {
    const why = TRAITS[trait](method);
    if (why === undefined) continue;
    const [key] = feature.split(" ");
    throw conflict(key!, `${value}, with algorithm.name = "${method.name}", ${why}`, expected, advice);
  }
}
