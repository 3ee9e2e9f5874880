/**
 * The geometric median of hidden updates: R weighted means, each of which is a secure sum.
 *
 * Citation: K. Pillutla, S. M. Kakade, Z. Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on Signal
 * Processing 2022, arXiv:1912.13445 (Algorithm 2).
 *
 * The server broadcasts its estimate v, a client computes its own weight nu alpha_i / max(nu, |v - x_i|), and update and
 * weight are hidden in a sum as those of a mean are. So the server sees R + 1 means and sums of weights. It sees no update
 * and no distance, but more than one sum of the same updates.
 */
import type { RandomStream } from "../../random/index.ts";
import type {
  SecureAggregationOutcome,
  SecureAggregationProtocol,
  SecureAggregationRequest,
  StageCost,
} from "./protocol.ts";
import { dequantizeMean, levels, type Quantization, quantize } from "./quantization.ts";
import { refuse } from "./refusal.ts";

/** A client's update [d] and its weight alpha, which stay with it. */
export interface HiddenUpdate {
  readonly client: number;
  readonly update: ArrayLike<number>;
  readonly weight: number;
}

export interface HiddenMedianSettings {
  /** R, weighted means after the first one. */
  readonly iterations: number;
  /**
   * nu: at distances below it all clients weigh alike. Weights are rounded to 2^-bits of the largest, so it should be near
   * honest distances and not, as without secure sums, almost 0.
   */
  readonly smoothing: number;
  readonly quantization: Quantization;
  /**
   * The first of R + 1 rounds of the protocol, which the run uses for nothing else: keys of a round hide one vector of a
   * client.
   */
  readonly firstRound: number;
  /** Of the rounding of a client in a pass. */
  readonly rounding: (pass: number, client: number) => RandomStream;
  /** Clients that drop out in a pass, see `SecureAggregationRequest`. They are in no later one. */
  readonly dropOuts?: ((pass: number) => SecureAggregationRequest["dropOuts"]) | undefined;
  readonly smallestSum?: number | undefined;
}

export interface HiddenMedian {
  /** [d] */
  readonly estimate: Float64Array;
  /** Clients in the last sum. */
  readonly survivors: readonly number[];
  /** Of all passes, one after the other; bytes by place in the cohort of the pass. */
  readonly stages: readonly StageCost[];
}

/**
 * Runs the passes over clients in this process. A pass without a sum ends with its failure. A client that drops out is
 * left out from then on. Refuses (`secure-aggregation/...`) what `quantize` refuses, and a smoothing so small that all
 * weights are rounded to the least.
 *
 * @example
 * ```ts
 * import { hiddenMedian, plain } from "@anabranch/core/secure-aggregation";
 * import { deriveKey, randomStream, rootKey } from "@anabranch/core";
 * const updates = [0, 0.1, 7].map((value, client) => ({ client, update: [value], weight: 1 }));
 * const found = await hiddenMedian(plain({ clock: () => performance.now() }), updates, {
 *   iterations: 20,
 *   smoothing: 0.1,
 *   quantization: { range: 8, bits: 20, maxWeight: 1, rounding: "nearest" },
 *   firstRound: 1,
 *   rounding: (pass, client) => randomStream(deriveKey(rootKey(1), pass, client)),
 * });
 * "estimate" in found && found.estimate[0]! < 0.2; // => true
 * ```
 */
export async function hiddenMedian(
  protocol: SecureAggregationProtocol,
  updates: readonly HiddenUpdate[],
  settings: HiddenMedianSettings,
): Promise<HiddenMedian | Extract<SecureAggregationOutcome, { failure: unknown }>> {
  const { iterations, smoothing, quantization, firstRound } = settings;
  if (!(smoothing > 0)) {
    refuse("weight", "clients need a smoothing to weigh themselves", { received: `${smoothing}`, expected: "above 0" });
  }
  if (updates.length === 0) refuse("inputs", "there is nothing to add", { received: "0 clients" });
  let present = [...updates].sort((a, b) => a.client - b.client);
  let estimate: Float64Array | undefined;
  const stages: StageCost[] = [];
  for (let pass = 0; pass <= iterations; pass++) {
    const cohort = present.map(({ client }) => client);
    const dropOuts = settings.dropOuts?.(pass);
    const outcome = await protocol.sum({
      ...{ round: firstRound + pass, cohort, present: cohort },
      inputs: present.map((hidden) => {
        const weight = ownWeight(hidden, estimate, smoothing);
        const stream = settings.rounding(pass, hidden.client);
        return { client: hidden.client, values: quantize(hidden.update, weight, quantization, stream) };
      }),
      length: present[0]!.update.length + 1,
      maximum: levels(quantization),
      ...(dropOuts === undefined ? {} : { dropOuts }),
      ...(settings.smallestSum === undefined ? {} : { smallestSum: settings.smallestSum }),
    });
    stages.push(...outcome.cost.stages);
    if ("failure" in outcome) return outcome;
    const survivors = new Set(outcome.survivors);
    present = present.filter(({ client }) => survivors.has(client));
    if (levels(quantization) > 1) requireWeights(outcome.sum.at(-1)!, survivors.size, smoothing);
    estimate = dequantizeMean(outcome.sum, survivors.size, quantization).mean;
  }
  return { estimate: estimate!, survivors: present.map(({ client }) => client), stages };
}

/** Where all weights are rounded to the least there is, the sum says nothing of the updates. */
function requireWeights(sum: number, clients: number, smoothing: number): void {
  if (sum > clients) return;
  refuse("weight", "all weights of a pass are smaller than its numbers can tell apart", {
    received: `smoothing ${smoothing}`,
    expected: "about the distances between honest updates",
    advice: "Raise the smoothing, or choose more bits for a value.",
  });
}

/**
 * What a client weighs in a pass, from what the server has broadcast; before the first one that is nothing.
 *
 * @example
 * ```ts
 * import { ownWeight } from "@anabranch/core/secure-aggregation";
 * ownWeight({ update: [3, 4], weight: 1 }, Float64Array.of(0, 0), 1); // => 0.2
 * ```
 */
export function ownWeight(
  { update, weight }: Pick<HiddenUpdate, "update" | "weight">,
  estimate: Float64Array | undefined,
  smoothing: number,
): number {
  if (estimate === undefined) return weight;
  let squares = 0;
  for (let j = 0; j < estimate.length; j++) squares += (update[j]! - estimate[j]!) ** 2;
  return (weight * smoothing) / Math.max(smoothing, Math.sqrt(squares));
}
