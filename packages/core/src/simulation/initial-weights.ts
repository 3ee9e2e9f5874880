import { hashText } from "@anabranch/engine";
import { parametersFrom, requireKnownLayout } from "../params/from-tensors.ts";
import type { Layout } from "../params/layout.ts";
import type { TensorReading } from "../params/tensor-reading.ts";
import { hashVector } from "../params/vector.ts";
import { type PrivacyRecord, parsePrivacyRecord } from "../privacy/accounting/index.ts";
import type { SafetensorsTensor } from "../protocol/index.ts";
import { deriveKey } from "../random/index.ts";
import type { Sampler } from "../selection/sampler.ts";

/** Values to start from, as `decodeSafetensors` gives them. */
export interface InitialWeights {
  /** By parameter name; every parameter of the model must be there. */
  readonly tensors: Readonly<Record<string, SafetensorsTensor>>;
  /** What the file says beside them: a private run reads there what was spent on them. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Where a run starts that does not start from random weights. */
export interface Start {
  /** [d] */
  readonly vector: Float32Array;
  /** Hash of the vector. */
  readonly hash: string;
  /** The record of the private runs that made the weights, or why there is none to count on. */
  readonly spent: PrivacyRecord | { readonly unusable: string };
}

/**
 * @param reading how the tensors are named and laid out
 * @throws what `parametersFrom` throws; never for what the metadata say
 */
export function startFrom(
  { tensors, metadata = {} }: InitialWeights,
  layout: Layout,
  reading: TensorReading = {},
): Start {
  const vector = parametersFrom(tensors, layout, reading);
  if (metadata.anabranch === undefined) requireKnownLayout(layout, reading); // the library's own files are no guess
  const hash = hashVector(vector);
  return { vector, hash, spent: spentOn(hash, metadata) };
}

function spentOn(hash: string, metadata: Readonly<Record<string, string>>): Start["spent"] {
  const record = parsePrivacyRecord(metadata);
  if (record === undefined) return { unusable: "their file has no record of a private run" };
  if ("unusable" in record) return { unusable: `the privacy record in their file is damaged: ${record.unusable}` };
  if (record.weights === hash) return record;
  return { unusable: "the privacy record in their file belongs to other weights" };
}

/** Identity of a private run that starts there: what was spent on its initial weights is part of its epsilon. */
export function startedHash(configHash: string, start: Start | undefined): string {
  return start === undefined ? configHash : hashText(JSON.stringify([configHash, start.hash, start.spent]));
}

/**
 * The seed of a private run's noise. Epsilons add up only for noise and cohorts that are independent, so a run that goes
 * on from weights must not draw again what made them: under the same seed the noise of both would cancel out.
 */
export function freshSeed(seed: number, start: Start | undefined): number {
  if (start === undefined) return seed;
  return Number.parseInt(hashText(`${seed} ${start.hash}`).slice(0, 13), 16);
}

/** The same for its cohorts. */
export function freshCohorts(sampler: Sampler, start: Start | undefined): Sampler {
  if (start === undefined) return sampler;
  return {
    ...sampler,
    sample: (round, keyOf, memory) => sampler.sample(round, (of) => deriveKey(keyOf(of), start.hash), memory),
  };
}
