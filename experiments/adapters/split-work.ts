/**
 * What SFPrompt leaves to a client: FLOPs and bytes of a round against those of training the whole model, counted from the
 * programs and messages of a run, for our own small transformer and for the shape of ViT-B/16. Nothing is trained.
 * `node experiments/adapters/split-work.ts` prints the table of the README.
 */
import { type ArrayDataset, type ConfigInput, prepareRun, resolveConfig, stepCount } from "@anabranch/core";

const EXAMPLES = 500;
const BATCH = 32;
const FLOAT_BYTES = 4;

interface Size {
  readonly name: string;
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly model: NonNullable<ConfigInput["model"]>;
  readonly classes: number;
}

const sizes: readonly Size[] = [
  { name: "ours", shape: [1, 28, 28], classes: 10, model: { name: "vit", patch: 7, width: 64, depth: 4 } },
  {
    name: "ViT-B/16",
    shape: [3, 224, 224],
    classes: 100,
    model: { name: "vit", patch: 16, width: 768, depth: 12, heads: 12 },
  },
];

/** Images of one client. Their values do not matter. */
function images({ shape, classes }: Size): ArrayDataset {
  const size = shape[0] * shape[1] * shape[2];
  return {
    name: "images",
    features: { dtype: "uint8", shape: [EXAMPLES, ...shape], data: new Uint8Array(EXAMPLES * size) },
    labels: { dtype: "uint8", shape: [EXAMPLES], data: Uint8Array.from({ length: EXAMPLES }, (_, i) => i % classes) },
    classes,
  };
}

interface Work {
  /** Of the client. */
  readonly flops: number;
  /** Both ways, without a head that is sent once. */
  readonly bytes: number;
}

/** One round of one client, an epoch over its examples. */
function workOf(size: Size, data: ArrayDataset, more: ConfigInput, drop: number): Work {
  const config = resolveConfig({
    ...{ rounds: 1, model: size.model, data: { clients: 1, partition: { scheme: "iid" } }, sampler: { cohort: 1 } },
    ...{ training: { batchSize: BATCH, localEpochs: 1, learningRate: 0.1 }, ...more },
  });
  const identity = { name: "none", version: "1", fingerprint: "", float: "float32" } as const;
  const { plan } = prepareRun(config, { train: data, test: data }, identity, 0, "work");
  const { flopsPerTask = Number.NaN, flopsPerStep = Number.NaN } = plan.description;
  const kept = EXAMPLES - Math.floor(drop * EXAMPLES + 1e-9);
  const steps = stepCount(kept, BATCH, { localEpochs: 1 });
  const { bytesUp, bytesDown } = plan.algorithm.exchanged?.({ examples: EXAMPLES, steps }, "float32") ?? {
    bytesUp: 0,
    bytesDown: 0,
  };
  return {
    flops: flopsPerTask + steps * flopsPerStep,
    bytes: 2 * FLOAT_BYTES * plan.layout.size + bytesUp + bytesDown,
  };
}

const percent = (part: number, whole: number) => `${Number(((100 * part) / whole).toPrecision(3))} %`;

console.log("| model | head and tail blocks | dropped | passes without body | client FLOPs | bytes |");
console.log("|---|---|---|---|---|---|");
for (const size of sizes) {
  const data = images(size);
  const whole = workOf(size, data, { algorithm: { name: "fedavg" } }, 0);
  console.log(
    `| ${size.name}, whole | | | | ${whole.flops.toPrecision(3)} | ${Number((whole.bytes / 1e6).toPrecision(3))} MB |`,
  );
  for (const [blocks, drop, passes] of [
    [1, 0, 0],
    [1, 0.2, 1],
    [0, 0, 0],
    [0, 0.2, 1],
    [0, 0.8, 0],
  ] as const) {
    const split = { headBlocks: blocks, tailBlocks: blocks, drop, localLossEpochs: passes };
    const more = { algorithm: { name: "sfprompt", ...split }, adapters: { prompts: 8 } };
    const { flops, bytes } = workOf(size, data, more, drop);
    const shares = `${percent(flops, whole.flops)} | ${percent(bytes, whole.bytes)}`;
    console.log(`| ${size.name} | ${blocks} and ${blocks} | ${100 * drop} % | ${passes} | ${shares} |`);
  }
}
