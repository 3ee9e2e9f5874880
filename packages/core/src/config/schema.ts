import * as z from "zod";
import type { NoisePlace } from "../privacy/mechanisms/settings.ts";
import { summationNames } from "../privacy/secure-aggregation/summation.ts";

const every = z.int().min(0);
const positive = z.int().min(1);

const partition = z
  .looseObject({
    scheme: z
      .string()
      .min(1)
      .default("dirichlet")
      .describe('how examples are dealt out: "iid", "dirichlet", "shards", "quantity-skew", "natural", "long-tail"'),
  })
  .prefault({})
  .describe("who holds what; further keys are options of the scheme");

const synthetic = z
  .strictObject({
    shape: z.array(positive).min(1).default([1, 28, 28]).describe("shape of an example"),
    classes: z.int().min(2).max(256).default(10).describe("number of classes"),
    examples: positive.default(20).describe("examples of each client"),
    classesPerClient: positive.optional().describe("classes that a client sees; left out: all"),
    noise: z.number().min(0).max(255).default(32).describe("standard deviation of the noise, in grey levels"),
    testExamples: positive.default(1000).describe("examples of the test set"),
  })
  .prefault({})
  .describe('the computed clients where dataset = "synthetic"; no partition is made then');

const data = z
  .strictObject({
    dataset: z
      .string()
      .min(1)
      .default("fashion-mnist-10k")
      .describe(
        'name of the data set, or own files such as "csv:PATH"; "synthetic" computes the data of any number of clients',
      ),
    file: z
      .string()
      .min(1)
      .optional()
      .describe("own data set: a module whose default export loads it, instead of dataset"),
    dataDir: z.string().min(1).optional().describe("folder with the data set's files, where they are not shipped"),
    clients: positive.max(100_000_000).default(100).describe("size of the population"),
    holdout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("share of every client's examples that is kept for its own evaluation; 0: none"),
    partition,
    synthetic,
  })
  .prefault({})
  .describe("the data and how they are spread over the population");

const model = z
  .looseObject({
    name: z.string().min(1).default("cnn-28x28").describe("name of the model"),
    file: z.string().min(1).optional().describe("own model: a module whose default export makes it, instead of name"),
    initialWeights: z.string().min(1).optional().describe("safetensors file to start from instead of random weights"),
  })
  .prefault({})
  .describe("the model; further keys are its options");

const algorithm = z
  .looseObject({
    name: z.string().min(1).default("fedavg").describe("name of the method"),
    file: z.string().min(1).optional().describe("own method: a module whose default export makes it, instead of name"),
  })
  .prefault({})
  .describe('the federated method; further keys are its options (run "anabranch methods" for the list)');

const training = z
  .strictObject({
    localEpochs: positive.default(1).describe("passes over a client's own examples in a round"),
    localSteps: positive.optional().describe("local steps in a round, instead of localEpochs"),
    batchSize: positive.default(20).describe("examples of a local step"),
    learningRate: z.number().positive().default(0.05).describe("local learning rate of the first round"),
    schedule: z
      .enum(["constant", "exponential", "cosine"])
      .default("constant")
      .describe('learning rate over the rounds: "constant", "exponential" (times decay each round) or "cosine" (to 0)'),
    decay: z.number().positive().max(1).default(0.998).describe('factor a round where schedule = "exponential"'),
    momentum: z.number().min(0).lt(1).default(0).describe("momentum of the local steps; starts at zero every round"),
    nesterov: z.boolean().default(false).describe("Nesterov's form of the momentum"),
    weightDecay: z.number().min(0).default(0).describe("added to gradients, times the parameters"),
    gradientClip: z.number().min(0).default(0).describe("bound of a step's gradient norm; 0: off"),
  })
  .prefault({})
  .describe("what a client of the cohort does");

const sampler = z
  .strictObject({
    name: z
      .enum(["uniform", "poisson"])
      .optional()
      .describe(
        '"uniform": a cohort of fixed size; "poisson": every client by its own coin; left out: uniform, poisson under [privacy]',
      ),
    cohort: z.number().positive().default(10).describe("clients of a round (poisson: expected number)"),
  })
  .prefault({})
  .describe("who takes part in a round");

const aggregation = z
  .strictObject({
    weighting: z
      .enum(["examples", "uniform"])
      .optional()
      .describe(
        'weight of an update: its number of "examples", or "uniform"; left out: examples, uniform under [privacy]',
      ),
    clipNorm: z.number().min(0).default(0).describe("bound of the norm of all that a client sends; 0: off"),
  })
  .prefault({})
  .describe("how updates become one");

const privacy = z
  .strictObject({
    mechanism: z
      .enum(["none", "gaussian", "discrete-gaussian", "skellam"])
      .default("none")
      .describe(
        'noise on the sum of clipped updates: "none", "gaussian", or whole numbers under [secureAggregation]: "discrete-gaussian", "skellam"',
      ),
    clipNorm: z
      .number()
      .positive()
      .default(1)
      .describe("bound of a client's whole update, or of what one record adds to its mean (C)"),
    noiseMultiplier: z
      .number()
      .min(0)
      .optional()
      .describe(
        "standard deviation of the noise on the sum of updates, over clipNorm (z); left out: 1, or what keeps all rounds within targetEpsilon",
      ),
    targetEpsilon: z.number().positive().optional().describe("the run stops before epsilon would exceed this"),
    delta: z
      .number()
      .gt(0)
      .lt(1)
      .default(1e-5)
      .describe("delta at which epsilon is told; below 1 / data.clients, or 1 / all records"),
    accountant: z
      .enum(["rdp", "pld"])
      .default("rdp")
      .describe('how epsilon is computed: "rdp", or "pld", which is tighter and wants Poisson sampling'),
    clipping: z
      .enum(["flat", "per-layer", "per-layer-by-size"])
      .default("flat")
      .describe('"flat": the whole update at once; "per-layer": each tensor at an equal share; or by its size'),
    noise: z
      .enum(["central", "distributed", "local"])
      .optional()
      .describe(
        'who adds the noise: the server ("central"), clients their share of it ("distributed"), or each client all of it ("local"); left out: central, distributed where noise is of whole numbers',
      ),
    minimumSurvivors: positive
      .optional()
      .describe("clients whose shares make the noise whole where it is distributed; with fewer nothing is released"),
    targetQuantile: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe("share of updates to stay within clipNorm, which then follows it; left out: clipNorm is fixed"),
    clipLearningRate: z.number().positive().default(0.2).describe("rate at which clipNorm follows targetQuantile"),
    countNoise: z
      .number()
      .positive()
      .optional()
      .describe("standard deviation of the noise on the count of updates within clipNorm; left out: cohort / 20"),
  })
  .prefault({})
  .describe(
    "differential privacy for whole clients, or for single records where the method says so; keys beside mechanism count where it is not none",
  );

/** Default of what a sparse graph is laid out for. */
export const USUAL_SHARE = 0.1;

const share = z.number().min(0).lt(1).default(USUAL_SHARE);

const secureAggregation = z
  .strictObject({
    protocol: z
      .enum(["none", ...summationNames])
      .default("none")
      .describe(
        '"bonawitz", "secagg+" or "lightsecagg" hide updates from the server; "plain" adds the same whole numbers without hiding',
      ),
    bits: z
      .int()
      .min(2)
      .max(31)
      .default(16)
      .describe("bits of a value; with noise of whole numbers those of the modulus (lightsecagg: its own)"),
    range: z
      .number()
      .positive()
      .default(1)
      .describe("values of updates are cut to [-range, range]; not used with noise"),
    maxWeight: z
      .number()
      .positive()
      .optional()
      .describe(
        "largest weight of an update, at least the examples of any client; left out: those of the client with most",
      ),
    threshold: positive
      .optional()
      .describe("answers that unmask a sum (bonawitz, lightsecagg); left out: 2/3 and 3/4 of the cohort"),
    corrupted: share.describe("share of the cohort that may pool what it knows (secagg+)"),
    dropped: share.describe("share of the cohort that may drop out (secagg+)"),
  })
  .prefault({})
  .describe("sums of updates whose parts the server does not see; keys beside protocol count where it is not none");

const evaluation = z
  .strictObject({
    every: every.default(1).describe("rounds between evaluations on the test set; 0: never"),
    clientEvery: every
      .default(0)
      .describe("rounds between evaluations on every client's own hold-out (needs data.holdout); 0: never"),
    batch: positive.default(500).describe("examples of an evaluation step"),
  })
  .prefault({})
  .describe("how the model is judged");

const stop = z
  .strictObject({
    patience: every.default(0).describe("evaluations without a better accuracy before the run stops; 0: never"),
    targetAccuracy: z.number().positive().max(1).optional().describe("test accuracy at which the run stops"),
    onClientFailure: z
      .enum(["continue", "stop"])
      .default("continue")
      .describe('"continue" without a client that failed, or "stop" the run'),
  })
  .prefault({})
  .describe("when to stop early");

const checkpoint = z
  .strictObject({
    every: positive.default(1).describe("rounds between checkpoints"),
    keep: positive.default(2).describe("checkpoints that are kept"),
  })
  .prefault({})
  .describe("what survives a crash");

const execution = z
  .strictObject({
    executor: z
      .enum(["onnxruntime-node", "onnxruntime-web", "interpreter"])
      .default("onnxruntime-node")
      .describe('what computes: "onnxruntime-node", "onnxruntime-web" or the slow reference "interpreter"'),
    workers: z
      .union([z.int().min(1).max(1024), z.literal("auto")])
      .default("auto")
      .describe(
        'worker threads; "auto": one per core. At most one per client of a cohort is started. Results do not depend on it',
      ),
    window: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe('updates that may wait for their turn to be summed; "auto": twice the workers'),
  })
  .prefault({})
  .describe("how the machine is used");

/** Everything a run is made of, section by section. Unknown keys are refused, except options of named parts. */
export const configSchema = z.strictObject({
  name: z.string().min(1).max(200).default("run").describe("name of the run, for people"),
  seed: z.int().min(0).default(1).describe("root of all randomness"),
  rounds: positive.default(30).describe("number of rounds"),
  data,
  model,
  algorithm,
  training,
  sampler,
  aggregation,
  privacy,
  secureAggregation,
  evaluation,
  stop,
  checkpoint,
  execution,
});

type Parsed = z.output<typeof configSchema>;

/** Local work of a round: one of the two. */
export type LocalBudget =
  | { readonly localEpochs: number; readonly localSteps?: undefined }
  | { readonly localSteps: number; readonly localEpochs?: undefined };

/** A resolved configuration: checked, and complete but for keys that are off. Resolving it again changes nothing. */
export type Config = Omit<Parsed, "training" | "sampler" | "aggregation" | "privacy"> & {
  training: Omit<Parsed["training"], keyof LocalBudget> & LocalBudget;
  sampler: Parsed["sampler"] & { name: "uniform" | "poisson" };
  aggregation: Parsed["aggregation"] & { weighting: "examples" | "uniform" };
  privacy: Parsed["privacy"] & { noise: NoisePlace };
};
/** A configuration as a user writes it: all that has a default may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
