import { largest, smallest } from "@anabranch/engine";
import type { PublicMetadata } from "../protocol/message.ts";

/** What the public metadata of a cohort's updates add up to. */
export class CohortMetrics {
  #examples = 0;
  #steps = 0;
  #weightedSteps = 0;
  #weights = 0;
  #losses: number[] = [];

  reset(): void {
    this.#examples = 0;
    this.#steps = 0;
    this.#weightedSteps = 0;
    this.#weights = 0;
    this.#losses = [];
  }

  add({ examples, steps, weight, loss }: PublicMetadata): void {
    this.#examples += examples;
    this.#steps += steps;
    this.#weightedSteps += weight * steps;
    this.#weights += weight;
    this.#losses.push(loss);
  }

  get clients(): number {
    return this.#losses.length;
  }

  /** Local steps of the clients together. */
  get steps(): number {
    return this.#steps;
  }

  /** Mean number of local steps. */
  get localSteps(): number {
    return this.#steps / this.#losses.length;
  }

  /** The same with the weights of the updates. */
  get weightedSteps(): number {
    return this.#weightedSteps / this.#weights;
  }

  get examples(): number {
    return this.#examples;
  }

  /** Training losses; null where there are none, as JSON has no NaN. */
  summary(): { loss: number | null; lossMin: number | null; lossMax: number | null } {
    const losses = this.#losses;
    if (losses.length === 0) return { loss: null, lossMin: null, lossMax: null };
    return {
      loss: losses.reduce((a, b) => a + b, 0) / losses.length,
      lossMin: smallest(losses),
      lossMax: largest(losses),
    };
  }
}
