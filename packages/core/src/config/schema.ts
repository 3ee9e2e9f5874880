import * as z from "zod";
import { beforeStages, setRules } from "../aggregation/robust/index.ts";
import type { NoisePlace } from "../privacy/mechanisms/settings.ts";
import { protocolNames } from "../privacy/secure-aggregation/protocol.ts";
import { samplerNames, updateSpeeds } from "../selection/names.ts";
import { adapters } from "./adapters-schema.ts";
import { alignment } from "./alignment-schema.ts";
import { baselines } from "./baseline.ts";
import { calibration } from "./calibration-schema.ts";
import { churn } from "./churn-schema.ts";
import { compression } from "./compression-schema.ts";
import { curriculum } from "./curriculum-schema.ts";
import { diagnostics } from "./diagnostics-schema.ts";
import { loss } from "./loss-schema.ts";
import { openWorld, unlabelled } from "./open-world-schema.ts";
import { parameters } from "./parameters-schema.ts";
import { privacy } from "./privacy-schema.ts";
import { questions } from "./questions-schema.ts";
import { devices, schedule } from "./schedule-schema.ts";
import { shift } from "./shift-schema.ts";
import { synthetic } from "./synthetic-schema.ts";
import { table } from "./table-schema.ts";
import { taskStream } from "./task-stream-schema.ts";
import { topology } from "./topology-schema.ts";
import { upSampling } from "./up-sampling-schema.ts";

const every = z.int().min(0);
const positive = z.int().min(1);

const partition = z
  .looseObject({
    scheme: z
      .string()
      .min(1)
      .default("dirichlet")
      .describe(
        'how examples are assigned to clients: "iid", "dirichlet", "embedding", "shards", "quantity-skew", "natural", "long-tail", "communities"',
      ),
  })
  .prefault({})
  .describe("partition of the examples; further keys are options of the scheme");

const data = z
  .strictObject({
    dataset: z
      .string()
      .min(1)
      .default("fashion-mnist-10k")
      .describe(
        'name of the data set, or own files such as "csv:PATH"; "synthetic" generates data for any number of clients',
      ),
    file: z.string().min(1).optional().describe("own data set: module whose default export loads it; replaces dataset"),
    dataDir: z.string().min(1).optional().describe("folder with the files of a data set that is not bundled"),
    clients: every
      .max(100_000_000)
      .default(100)
      .describe("number of clients in the population; 0: one for each owner (omitted with natural: 0, without merge)"),
    holdout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("fraction of each client's examples held out for evaluation (0 = none)"),
    owners: z
      .tuple([every, positive])
      .optional()
      .describe(
        "owners whose examples are used, by number: from the first to before the second; the others train and test nothing. Omitted: all",
      ),
    transpose: z
      .boolean()
      .default(false)
      .describe("exchange rows and columns of square images, to train and to test: another task on the same images"),
    questions,
    publicExamples: positive
      .optional()
      .describe(
        "examples taken out of the test set, for clients to compare outputs on. Only fedconv and the baseline public-only are given their labels",
      ),
    partition,
    shift,
    unlabelled,
    table,
    synthetic,
  })
  .prefault({})
  .describe("the data and their partition over the clients");

const model = z
  .looseObject({
    name: z.string().min(1).default("cnn-28x28").describe("name of the model"),
    file: z.string().min(1).optional().describe("own model: module whose default export creates it; replaces name"),
    initialWeights: z
      .string()
      .min(1)
      .optional()
      .describe("safetensors file with the initial weights; omitted: random weights"),
    initialWeightsLayout: z
      .enum(["anabranch", "pytorch"])
      .optional()
      .describe('dense weights in that file are [inputs, outputs] ("anabranch") or [outputs, inputs] ("pytorch")'),
    initialWeightsMatch: z
      .enum(["name", "order"])
      .optional()
      .describe('how tensors of that file are found: by "name" (default), or layer by layer in "order"'),
    initialWeightsNames: z
      .record(z.string(), z.string().min(1))
      .optional()
      .describe('names in that file by layer or parameter of the model, e.g. { dense1 = "fc1" }'),
  })
  .prefault({})
  .describe("the model; further keys are its options");

const algorithm = z
  .looseObject({
    name: z.string().min(1).default("fedavg").describe("name of the method"),
    file: z.string().min(1).optional().describe("own method: module whose default export creates it; replaces name"),
  })
  .prefault({})
  .describe('the federated method; further keys are its options (run "anabranch methods" for the list)');

const training = z
  .strictObject({
    localEpochs: positive.default(1).describe("passes over a client's examples per round"),
    localSteps: positive.optional().describe("local steps per round; replaces localEpochs"),
    batchSize: positive.default(20).describe("examples per local step"),
    learningRate: z.number().positive().default(0.05).describe("local learning rate in the first round"),
    schedule: z
      .enum(["constant", "exponential", "cosine"])
      .default("constant")
      .describe(
        'learning rate over the rounds: "constant", "exponential" (multiplied by decay every round) or "cosine" (to 0)',
      ),
    decay: z.number().positive().max(1).default(0.998).describe('factor per round, used if schedule = "exponential"'),
    momentum: z.number().min(0).lt(1).default(0).describe("momentum of the local steps; reset to zero every round"),
    nesterov: z.boolean().default(false).describe("use Nesterov momentum"),
    weightDecay: z.number().min(0).default(0).describe("weight decay, added to the gradients"),
    gradientClip: z.number().min(0).default(0).describe("maximum gradient norm per step (0 = no clipping)"),
    loss,
    openWorld,
    curriculum,
    alignment,
    upSampling,
    calibration,
  })
  .prefault({})
  .describe("local training on each selected client");

const sampler = z
  .strictObject({
    name: z
      .enum(samplerNames)
      .optional()
      .describe(
        '"uniform": cohorts of fixed size; "poisson": each client joins independently; "random-allocation": each client takes part once in every clients / cohort rounds. "round-robin" and "full" need no draws. "oort", "hetero-select" and "latency" learn from losses and times of clients; "easiest-first" draws from clients of low loss first, later from all. "hash" is that of modest. Omitted: uniform, or poisson under [privacy]',
      ),
    cohort: z
      .number()
      .positive()
      .default(10)
      .describe("clients per round (expected number with poisson and random-allocation)"),
    rates: z
      .array(z.number().positive())
      .min(1)
      .optional()
      .describe(
        "poisson: how often clients take part, relative to each other, repeated from the start; omitted: all alike",
      ),
    updateSpeed: z
      .enum(updateSpeeds)
      .optional()
      .describe(
        'hetero-select: what counts as update speed: "staleness", the rounds since a client was selected, or "seconds" of its orders; omitted: staleness',
      ),
  })
  .prefault({})
  .describe("selection of the cohort");

const aggregation = z
  .strictObject({
    weighting: z
      .enum(["examples", "uniform"])
      .optional()
      .describe(
        'weight of an update: its number of "examples", or "uniform"; omitted: examples, or uniform under [privacy]',
      ),
    clipNorm: z.number().min(0).default(0).describe("maximum norm of a client's update (0 = no clipping)"),
    rule: z
      .enum(setRules)
      .optional()
      .describe(
        `how updates are combined; all but "mean" see every update of a round: ${setRules.map((name) => `"${name}"`).join(", ")}; omitted: mean`,
      ),
    before: z
      .array(z.enum(beforeStages))
      .min(1)
      .optional()
      .describe(
        'stages before the rule, in order: "nnm" (nearest-neighbour mixing), "bucketing", "norm-bound", "adaptive-clipping"',
      ),
    byzantine: every.optional().describe("number of clients of a round that may send anything (f)"),
    ratio: z.number().min(0).lt(0.5).optional().describe("trimmed-mean: fraction dropped at each end, not byzantine"),
    neighbours: positive.optional().describe("krum, multi-krum: neighbours that score an update; omitted: n - f - 2"),
    average: positive.optional().describe("multi-krum: updates that are averaged; omitted: n - f - 2"),
    mode: z
      .enum(["once", "iterative"])
      .optional()
      .describe('multi-krum: score "once" (default), or "iterative": again after every choice'),
    iterations: positive
      .optional()
      .describe("iterations of geometric-median (omitted: 3) and centred-clipping (omitted: 1)"),
    smoothing: z.number().positive().optional().describe("geometric-median: least distance; omitted: 1e-6"),
    tolerance: z
      .number()
      .min(0)
      .optional()
      .describe("geometric-median: stop early if the objective changes by less than this fraction; omitted: never"),
    radius: z.number().positive().optional().describe("centred-clipping: maximum distance from the last aggregate"),
    norm: z.number().positive().optional().describe("norm-bound: maximum norm of an update"),
    bucketSize: positive.optional().describe("bucketing: updates per bucket; omitted: 2"),
    root: positive.optional().describe("fltrust: training examples that the server keeps for itself; omitted: 100"),
  })
  .prefault({})
  .describe("aggregation of the updates");

/** Default of what a sparse graph is laid out for. */
export const USUAL_SHARE = 0.1;

const share = z.number().min(0).lt(1).default(USUAL_SHARE);

const secureAggregation = z
  .strictObject({
    protocol: z
      .enum(["none", ...protocolNames])
      .default("none")
      .describe(
        '"bonawitz", "secagg+" or "lightsecagg" hide updates from the server; "plain" adds the same integers without hiding them',
      ),
    bits: z
      .int()
      .min(2)
      .max(31)
      .default(16)
      .describe("bits per value; with integer noise, bits of the modulus (lightsecagg uses its own modulus)"),
    range: z
      .number()
      .positive()
      .default(1)
      .describe("update values are clipped to [-range, range]; not used with integer noise"),
    maxWeight: z
      .number()
      .positive()
      .optional()
      .describe(
        "largest weight of an update, at least the examples of any client; omitted: the examples of the largest client",
      ),
    threshold: positive
      .optional()
      .describe("answers needed to unmask a sum (bonawitz, lightsecagg); omitted: more than 2/3 and 3/4 of the cohort"),
    corrupted: share.describe("fraction of the cohort that may collude (secagg+)"),
    dropped: share.describe("fraction of the cohort that may drop out (secagg+)"),
  })
  .prefault({})
  .describe('secure aggregation; the other keys apply only if protocol is not "none"');

const attack = z
  .looseObject({
    name: z.string().min(1).default("none").describe('what some simulated clients do; "none": all are honest'),
    attackers: z
      .union([positive, z.array(every).min(1)])
      .default(1)
      .describe("number of attackers, drawn by the seed, or a list of their numbers"),
  })
  .prefault({})
  .describe("simulated attackers; further keys are options of the attack");

const evaluation = z
  .strictObject({
    every: every.default(1).describe("rounds between evaluations on the test set (0 = never)"),
    clientEvery: every
      .default(0)
      .describe("rounds between evaluations on each client's hold-out (needs data.holdout; 0 = never)"),
    adaptEpochs: positive
      .optional()
      .describe(
        "passes over its own examples by which each client adapts the global model before another evaluation on its hold-out; omitted: none",
      ),
    batch: positive.default(100).describe("examples per evaluation step"),
  })
  .prefault({})
  .describe("evaluation");

const stop = z
  .strictObject({
    patience: every.default(0).describe("evaluations without improvement before the run stops (0 = never)"),
    targetAccuracy: z.number().positive().max(1).optional().describe("the run stops at this test accuracy"),
    onClientFailure: z
      .enum(["continue", "stop"])
      .default("continue")
      .describe('on a failed client: "continue" without it, or "stop" the run'),
  })
  .prefault({})
  .describe("early stopping");

const checkpoint = z
  .strictObject({
    every: positive.default(1).describe("rounds between checkpoints"),
    keep: positive.default(2).describe("number of checkpoints to keep"),
  })
  .prefault({})
  .describe("checkpointing");

const execution = z
  .strictObject({
    executor: z
      .enum(["onnxruntime-node", "onnxruntime-web", "interpreter"])
      .default("onnxruntime-node")
      .describe('executor: "onnxruntime-node", "onnxruntime-web" or the slow reference "interpreter"'),
    workers: z
      .union([z.int().min(1).max(1024), z.literal("auto")])
      .default("auto")
      .describe(
        'number of worker threads, at most one per client of a cohort; "auto": one per core (results do not depend on it)',
      ),
    window: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe('updates that may wait to be summed; "auto": twice the workers'),
  })
  .prefault({})
  .describe("use of the machine");

/**
 * Everything a run is made of, section by section. Unknown keys are refused, except options of named parts.
 *
 * @example
 * ```ts
 * import { configSchema } from "@anabranch/core";
 * configSchema.parse({ rounds: 5 }).training.batchSize; // => 20
 * ```
 */
export const configSchema = z.strictObject({
  name: z.string().min(1).max(200).default("run").describe("name of the run"),
  seed: z.int().min(0).default(1).describe("seed of all random numbers"),
  rounds: positive.default(30).describe("number of rounds"),
  baseline: z
    .enum(baselines)
    .optional()
    .describe(
      '"centralized": one client has the examples of all; "local-only": clients train alone and exchange nothing; "public-only": one client has the labelled public examples alone; omitted: federated',
    ),
  data,
  taskStream,
  model,
  adapters,
  parameters,
  algorithm,
  training,
  sampler,
  schedule,
  topology,
  devices,
  churn,
  aggregation,
  compression,
  privacy,
  secureAggregation,
  attack,
  evaluation,
  diagnostics,
  stop,
  checkpoint,
  execution,
});

type Parsed = z.output<typeof configSchema>;

/** Local work of a round: one of the two. */
type LocalWork =
  | { readonly localEpochs: number; readonly localSteps?: undefined }
  | { readonly localSteps: number; readonly localEpochs?: undefined };

/** A resolved configuration: checked, and complete but for keys that are off. Resolving it again changes nothing. */
export type Config = Omit<Parsed, "training" | "sampler" | "aggregation" | "privacy"> & {
  training: Omit<Parsed["training"], keyof LocalWork> & LocalWork;
  sampler: Parsed["sampler"] & { name: (typeof samplerNames)[number] };
  aggregation: Parsed["aggregation"] & { weighting: "examples" | "uniform" };
  privacy: Parsed["privacy"] & { noise: NoisePlace };
};
/** A configuration as a user writes it: all that has a default may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
