import { AnabranchError, type HostTensor } from "@anabranch/engine";
import {
  deriveKey,
  type RandomKey,
  type RandomStream,
  randomStream,
  sampleWithoutReplacement,
} from "../random/index.ts";
import type { ArrayDataset } from "./dataset.ts";

/**
 * A classification task made of noise around one prototype for each class. Everything is integer arithmetic on the
 * seeded generator, so a client computes the same bytes in any JavaScript engine.
 */
export interface SyntheticSpec {
  /** Shape of one example, e.g. [1, 28, 28]. */
  readonly shape: readonly number[];
  readonly classes: number;
  /** Standard deviation of the noise in grey levels, 0 to 255; default 32. */
  readonly noise?: number;
  /** Examples of the data set, or of each client. */
  readonly examples: number;
  /** Classes that a client sees, drawn for each client; default: all. Not used by `syntheticDataset`. */
  readonly classesPerClient?: number;
}

/** Side of the squares of one grey level that prototypes are made of, so that pooling does not wash them out. */
const CELL = 4;

/**
 * A data set of `examples` examples with labels 0, 1, ..., classes - 1, 0, ... Example i depends on (key, i) alone:
 * sets with other `firstIndex` are disjoint samples of the same task (training and test set).
 *
 * @example
 * ```ts
 * import { rootKey, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
 * data.features.shape; // => [6, 1, 8, 8]
 * ```
 */
export function syntheticDataset(
  key: RandomKey,
  spec: SyntheticSpec & { readonly name?: string; readonly firstIndex?: number },
): ArrayDataset {
  checkSpec(spec);
  const first = spec.firstIndex ?? 0;
  const labels = Uint8Array.from({ length: spec.examples }, (_, i) => (first + i) % spec.classes);
  const writer = exampleWriter(syntheticKeys(key).prototype, spec, labels);
  for (let i = 0; i < spec.examples; i++) writer.write(i, randomStream(deriveKey(key, "example", first + i)));
  return {
    name: spec.name ?? "synthetic",
    features: writer.features,
    labels: { dtype: "uint8", shape: [spec.examples], data: labels },
    classes: spec.classes,
  };
}

/** What clients' data are computed from; the key that these were derived from does not follow from them. */
export interface SyntheticKeys {
  readonly client: RandomKey;
  readonly prototype: RandomKey;
}

/**
 * The keys of prototypes and clients, derived from one key.
 *
 * @example
 * ```ts
 * import { rootKey, syntheticKeys } from "@anabranch/core";
 * Object.keys(syntheticKeys(rootKey(1))); // => ["client", "prototype"]
 * ```
 */
export function syntheticKeys(key: RandomKey): SyntheticKeys {
  return { client: deriveKey(key, "client"), prototype: deriveKey(key, "prototype") };
}

/**
 * The data of one client of a population of any size, computed on the spot: nothing is kept for the other clients. The
 * task is that of `syntheticDataset` with the key of these keys, which serves as its test set.
 *
 * @example
 * ```ts
 * import { rootKey, syntheticClient, syntheticKeys } from "@anabranch/core";
 * const client = syntheticClient(syntheticKeys(rootKey(1)), 7, { shape: [1, 8, 8], classes: 2, examples: 6 });
 * client.features.shape; // => [6, 1, 8, 8]
 * ```
 */
export function syntheticClient(
  keys: SyntheticKeys,
  client: number,
  spec: SyntheticSpec,
): { readonly features: HostTensor; readonly labels: HostTensor } {
  checkSpec(spec);
  const stream = randomStream(deriveKey(keys.client, client));
  const seen = sampleWithoutReplacement(stream, spec.classes, spec.classesPerClient ?? spec.classes);
  const labels = Uint8Array.from({ length: spec.examples }, () => seen[stream.below(seen.length)]!);
  const writer = exampleWriter(keys.prototype, spec, labels);
  for (let i = 0; i < spec.examples; i++) writer.write(i, stream);
  return { features: writer.features, labels: { dtype: "uint8", shape: [spec.examples], data: labels } };
}

function exampleWriter(key: RandomKey, spec: SyntheticSpec, labels: Uint8Array) {
  const size = spec.shape.reduce((product, extent) => product * extent, 1);
  const prototypes = new Map<number, Uint8Array>();
  const words = new Uint32Array(size);
  const features = new Uint8Array(labels.length * size);
  // The four bytes of a word sum to 510 on average with standard deviation 147.8; 443 / 65536 = 1 / 147.9.
  const scale = Math.round(spec.noise ?? 32) * 443;
  return {
    features: { dtype: "uint8", shape: [labels.length, ...spec.shape], data: features } satisfies HostTensor,
    /** Fills row `i` with the prototype of its label and noise from the stream. */
    write(i: number, stream: RandomStream): void {
      const label = labels[i]!;
      const prototype = prototypes.get(label) ?? makePrototype(key, label, spec.shape, size);
      prototypes.set(label, prototype);
      stream.uint32s(words);
      for (let at = 0; at < size; at++) {
        const word = words[at]!;
        const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
        const value = prototype[at]! + (((sum - 510) * scale + 32768) >> 16);
        features[i * size + at] = Math.max(0, Math.min(255, value));
      }
    },
  };
}

/** Grey levels 64 to 191: constant over squares of 4 x 4 in the last two axes, or drawn singly for flat examples. */
function makePrototype(key: RandomKey, label: number, shape: readonly number[], size: number): Uint8Array {
  const stream = randomStream(deriveKey(key, label));
  const flat = shape.length < 2;
  const width = flat ? size : shape.at(-1)!;
  const height = flat ? 1 : shape.at(-2)!;
  const side = flat ? 1 : CELL;
  const columns = Math.ceil(width / side);
  const levels = new Uint8Array(columns * Math.ceil(height / side));
  const prototype = new Uint8Array(size);
  for (let plane = 0; plane < size; plane += width * height) {
    for (let i = 0; i < levels.length; i++) levels[i] = 64 + (stream.uint32() >>> 25);
    for (let y = 0; y < height; y++) {
      const row = Math.floor(y / side) * columns;
      for (let x = 0; x < width; x++) prototype[plane + y * width + x] = levels[row + Math.floor(x / side)]!;
    }
  }
  return prototype;
}

function checkSpec(spec: SyntheticSpec): void {
  const whole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  const problems = {
    shape: spec.shape.every((extent) => whole(extent, 1, 2 ** 24)),
    classes: whole(spec.classes, 1, 256),
    noise: (spec.noise ?? 32) >= 0 && (spec.noise ?? 32) <= 255,
    examples: whole(spec.examples, 0, 2 ** 31),
    classesPerClient: whole(spec.classesPerClient ?? 1, 1, spec.classes),
  };
  for (const [field, valid] of Object.entries(problems)) {
    if (valid) continue;
    throw new AnabranchError({
      code: "data/synthetic",
      message: "a synthetic data set cannot be made from this",
      where: field,
      received: JSON.stringify(spec[field as keyof typeof spec]),
      expected: "positive whole extents, 1 to 256 classes, noise from 0 to 255, at most `classes` classes a client",
    });
  }
}
