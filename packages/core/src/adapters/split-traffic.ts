/** Sizes of a model that is split between a client (head, tail and prompts) and a server (body). */
export interface SplitSizes {
  /** Examples of a round that go through the body. */
  readonly keptSamples: number;
  /** Numbers that one example has where the model is cut. */
  readonly activationFloats: number;
  readonly tailFloats: number;
  readonly promptFloats: number;
}

/**
 * Bytes of a client's round with float32 values. Split training sends every example's activations up and down and their
 * gradients down and up; tail and prompts are dispatched and uploaded.
 *
 * Citation: L. Cao et al., "SFPrompt: Communication-Efficient Split Federated Fine-Tuning for Large Pre-Trained Models over
 * Resource-Limited Devices", 2024, arXiv:2407.17533, section 4.
 * @example
 * ```ts
 * import { splitTraffic } from "@anabranch/core";
 * splitTraffic({ keptSamples: 2, activationFloats: 10, tailFloats: 5, promptFloats: 3 }).phase2; // => 320
 * ```
 */
export function splitTraffic({ keptSamples, activationFloats, tailFloats, promptFloats }: SplitSizes): {
  readonly phase2: number;
  readonly parameters: number;
} {
  const tensors = 4;
  return {
    phase2: tensors * FLOAT_BYTES * keptSamples * activationFloats,
    parameters: 2 * FLOAT_BYTES * (tailFloats + promptFloats),
  };
}

const FLOAT_BYTES = 4;
