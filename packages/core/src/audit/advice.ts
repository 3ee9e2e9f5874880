/**
 * What an operator can do before a run, as the survey of gradient inversion orders it: the design of the network, the training
 * protocol, and checks at the clients.
 *
 * Citation: P. Guo et al., "Exploring the Vulnerabilities of Federated Learning: A Deep Dive into Gradient Inversion Attacks",
 * TPAMI 2026, arXiv:2503.11514. The content of its three stages is recalled from its abstract and lists, not quoted.
 */
import type { Model } from "../models/model.ts";
import { layout } from "../params/layout.ts";
import { inputLayer, nonSmoothParts } from "./model-view.ts";

/** A stage of the survey's pipeline. */
export type AdviceStage = "design" | "protocol" | "client";

export interface Advice {
  readonly stage: AdviceStage;
  /** "risk": something to change; "good": it is as it should be. */
  readonly kind: "risk" | "good";
  readonly text: string;
}

/** What advice depends on. */
export interface Audited {
  readonly localSteps: number;
  readonly batchSize: number;
  /** Examples that one message is made of. */
  readonly examples: number;
  readonly isMasked: boolean;
  readonly isNoised: boolean;
  readonly hasServerNoise: boolean;
  readonly isCompressed: boolean;
}

/** Examples in a message from which on searches find little. */
const MANY = 16;

/**
 * Advice for a model and a training protocol.
 *
 * @example
 * ```ts
 * import { adviceFor, mlp } from "@anabranch/core";
 * const protocol = { localSteps: 1, batchSize: 1, examples: 1 };
 * const defences = { isMasked: false, isNoised: false, hasServerNoise: false, isCompressed: false };
 * adviceFor(mlp(), { ...protocol, ...defences }).some(({ kind }) => kind === "risk"); // => true
 * ```
 */
export function adviceFor(model: Model, audited: Audited): Advice[] {
  return [...design(model), ...protocol(audited), ...clients(audited)];
}

function design(model: Model): Advice[] {
  const rough = nonSmoothParts(model);
  const first = inputLayer(model, layout(model.parameters));
  return [
    first === undefined
      ? good("design", "The first layer is not dense: its gradient does not show the input directly.")
      : risk(
          "design",
          `The first layer (${first}) is dense: its gradient shows a single example exactly. Begin with a convolution, or keep the layer private.`,
        ),
    rough.length === 0
      ? risk("design", "The model is smooth, which makes matching gradients easy. Prefer relu and max pooling.")
      : good("design", `The model is not smooth (${rough.join(", ")}): DLG does not work on it, IG less well.`),
  ];
}

function protocol({ localSteps, batchSize, examples }: Audited): Advice[] {
  return [
    examples < MANY
      ? risk(
          "protocol",
          `A message is made of ${examples} example${examples === 1 ? "" : "s"}. Use batches of ${MANY} or more, and let clients with fewer examples sit out.`,
        )
      : good("protocol", `A message is made of ${examples} examples.`),
    localSteps === 1
      ? risk("protocol", `Clients send the gradient of one step of ${batchSize}. Take several local steps.`)
      : good("protocol", `Clients take ${localSteps} local steps before they send.`),
  ];
}

function clients({ isMasked, isNoised, hasServerNoise, isCompressed }: Audited): Advice[] {
  const noise = isNoised
    ? good("protocol", "Clients add noise before they send.")
    : hasServerNoise
      ? risk(
          "protocol",
          'The server adds the noise, so it sees updates without it. Use privacy.noise = "local" or "distributed", or secure aggregation.',
        )
      : risk("protocol", "No noise is added. See docs/privacy.md for differential privacy.");
  const masks = isMasked
    ? good("protocol", "Secure aggregation: the server sees sums alone.")
    : risk("protocol", "The server sees the update of each client. Use [secureAggregation].");
  const compressed = isCompressed
    ? [risk("protocol", "Compression is not a protection: an attacker matches the entries that were sent.")]
    : [];
  const guard = good("client", "Live clients check each model for layers that copy examples, and refuse such a model.");
  return [masks, noise, ...compressed, guard];
}

function risk(stage: AdviceStage, text: string): Advice {
  return { stage, kind: "risk", text };
}

function good(stage: AdviceStage, text: string): Advice {
  return { stage, kind: "good", text };
}
