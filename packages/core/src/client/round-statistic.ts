import type { Tensor } from "@anabranch/engine";
import type { Aggregation, ParameterTensors } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** A model on some examples, traced. */
export interface TracedExamples {
  /** The model's parameters, from which `loss` was traced. */
  readonly parameters: ParameterTensors;
  /** As the training loss takes them, [B, ...]. */
  readonly outputs: Tensor;
  readonly labels: Tensor;
  /** [B], sum 1; 0 for padding. */
  readonly weights: Tensor;
  /** Mean training loss, a scalar. */
  readonly loss: Tensor;
}

/**
 * A statistic that clients measure under the model that they receive. What the server makes of it goes down with the next
 * model, where it shapes the training loss. So it is one round old.
 */
export interface RoundStatistic {
  /** Of the vectors that go up and down. */
  readonly name: string;
  /** Of the configuration, which asks for it. */
  readonly key: string;
  readonly upload: { readonly layout: Layout; readonly aggregation: Extract<Aggregation, "uniformMean" | "sum"> };
  /** Zeros before the first round. */
  readonly broadcast: Layout;
  /** Of all examples of a client, in the layout of the upload. */
  measure(all: TracedExamples): ParameterTensors;
  /** What a mini-batch adds to its training loss, a scalar, from what the client is given. */
  penalty(batch: TracedExamples, given: ParameterTensors): Tensor;
  /** What goes down after a round, from what came up and what went down before. */
  next(aggregate: Vector, before: Vector): Vector;
}
