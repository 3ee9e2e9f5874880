import { cond, constant, greater, type Tensor } from "@anabranch/engine";
import type { Aggregation, ParameterTensors, RoundContext, TracedVectors } from "../algorithms/algorithm.ts";
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

/** All examples of a client under the model that it receives, without dropout. */
export interface AllExamples extends TracedExamples {
  /** What enters the linear head, [n, q]. Traced where it is asked for. */
  headInputs(): Tensor;
}

/** What clients measure of their examples, and send. */
export interface Measurement {
  /** Of the vector. */
  readonly name: string;
  /** Of the configuration, which asks for it. */
  readonly key: string;
  readonly upload: {
    readonly layout: Layout;
    readonly aggregation: Extract<Aggregation, "uniformMean" | "sum" | "each">;
    readonly classStatistics?: true;
  };
  /** In the layout of the upload. */
  measure(all: AllExamples): ParameterTensors;
}

/**
 * A measurement of which the server makes something that goes down with the next model under the same name, where it shapes
 * the training loss. So it is one round old.
 */
export interface RoundStatistic extends Measurement {
  /** Zeros before the first round. */
  readonly broadcast: Layout;
  /** What a mini-batch adds to its training loss, a scalar, from what the client is given. Absent: the loss itself has it. */
  penalty?(batch: TracedExamples, given: ParameterTensors): Tensor;
  /** What goes down after a round, from what came up and what went down before. */
  next(aggregate: Vector, before: Vector, round: Pick<RoundContext, "round">): Vector;
}

/**
 * What a client measures, by name; zeros in place of what it does not send, where clients send parts.
 *
 * @param sent see `Local.sent`; absent: all is sent
 * @param all traced where it is asked for
 */
export function measured(
  statistics: readonly Measurement[],
  sent: TracedVectors | undefined,
  all: () => AllExamples,
): TracedVectors {
  const each = statistics.map(({ name, measure, upload: { layout } }) => {
    const [isSent] = Object.values(sent?.[name] ?? {});
    if (isSent === undefined) return [name, measure(all())] as const;
    const found = () => measure(all());
    return [name, cond(greater(isSent, 0.5), found, () => zerosOf(layout))] as const;
  });
  return Object.fromEntries(each);
}

function zerosOf({ entries }: Layout): ParameterTensors {
  return Object.fromEntries(
    entries.map(({ name, shape, size }) => [name, constant(new Array<number>(size).fill(0), shape)]),
  );
}
