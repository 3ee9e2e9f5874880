import { largest, smallest } from "@anabranch/engine";
import type { MetricSums } from "../privacy/secure-aggregation-encoding/index.ts";
import type { PublicMetadata } from "../protocol/message.ts";

/** What the public metadata of a cohort's updates add up to, as far as the server knows them. */
export class CohortMetrics {
  #clients = 0;
  #withheld = false;
  /** Where the server knows sums alone: these, and of how many clients they are. */
  #sums: { readonly of: number; readonly sums: MetricSums } | undefined;
  #examples = 0;
  #steps = 0;
  #weightedSteps = 0;
  #weights = 0;
  #weightedFactors = 0;
  #losses: number[] = [];

  reset(): void {
    this.#clients = 0;
    this.#withheld = false;
    this.#sums = undefined;
    this.#examples = 0;
    this.#steps = 0;
    this.#weightedSteps = 0;
    this.#weights = 0;
    this.#weightedFactors = 0;
    this.#losses = [];
  }

  /** An update whose metadata are hidden from the server. */
  addWithheld(): void {
    this.#clients += 1;
    this.#withheld = true;
  }

  /** What is known of all withheld metadata together. @param survivors clients whose metadata are in the sums */
  setSums(sums: MetricSums, survivors: number): void {
    this.#sums = { of: survivors, sums };
  }

  add({ examples, steps, weight, loss }: PublicMetadata, factor = 1): void {
    this.#clients += 1;
    this.#examples += examples;
    this.#steps += steps;
    this.#weightedSteps += weight * steps;
    this.#weights += weight;
    this.#weightedFactors += weight * factor;
    this.#losses.push(loss);
  }

  get clients(): number {
    return this.#clients;
  }

  /** Local steps of the clients together; undefined where the server does not know them. */
  get steps(): number | undefined {
    return this.#withheld ? this.#sums?.sums.steps : this.#steps;
  }

  /** Mean number of local steps. */
  get localSteps(): number {
    return this.#steps / this.#losses.length;
  }

  /** The same with the weights of the updates. */
  get weightedSteps(): number {
    return this.#weightedSteps / this.#weights;
  }

  /** Weighted mean of the factors on the updates. */
  get meanFactor(): number {
    return this.#weightedFactors / this.#weights;
  }

  get examples(): number | undefined {
    return this.#withheld ? this.#sums?.sums.examples : this.#examples;
  }

  /** Training losses; null where there are none or the server does not know them, as JSON has no NaN. */
  summary(): { loss: number | null; lossMin: number | null; lossMax: number | null } {
    const losses = this.#losses;
    if (this.#sums !== undefined) return { loss: this.#sums.sums.loss / this.#sums.of, lossMin: null, lossMax: null };
    if (losses.length === 0) return { loss: null, lossMin: null, lossMax: null };
    return {
      loss: losses.reduce((a, b) => a + b, 0) / losses.length,
      lossMin: smallest(losses),
      lossMax: largest(losses),
    };
  }
}
