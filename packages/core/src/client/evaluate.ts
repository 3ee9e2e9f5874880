import type { Executable, Program } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import { type HeldParameters, joinParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { ClassSums, EvaluationSums } from "../round/backend.ts";
import { graphInputs } from "./client-graph.ts";
import type { ClientDataSource } from "./data-source.ts";
import { parameterInputs } from "./vectors.ts";

/** What evaluates a model, as plain data. */
export interface EvaluationSpec {
  readonly program: Program;
  /** Of the whole model. */
  readonly layout: Layout;
  /** Parameters that do not travel: they complete the global model. Absent: it is complete. */
  readonly held?: HeldParameters | undefined;
  readonly batchSize: number;
  /** Classes that are counted apart, where each example has one label; absent: they are not. */
  readonly classes?: number | undefined;
}

/**
 * Sums of losses and scores for each client from..to (to excluded) of a source.
 *
 * @param parameters the global model, which is completed, or a whole model
 *
 * @example
 * ```ts
 * import { evaluateRange, openDataSource } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
 * const { evaluation, train } = simulation;
 * const executable = await interpreter().load(evaluation.program);
 * const sums = await evaluateRange(evaluation, executable, plan.initial, openDataSource(train), [0, 2]);
 * sums.map(({ examples }) => examples); // => [12, 12]
 * ```
 */
export async function evaluateRange(
  spec: EvaluationSpec,
  executable: Executable,
  parameters: Vector,
  source: ClientDataSource,
  [from, to]: readonly [number, number],
): Promise<EvaluationSums[]> {
  const { data, counts } = source.loadRange(from, to);
  const examples = counts.reduce((a, b) => a + b, 0);
  if (examples === 0) return counts.map(() => ({ loss: 0, score: 0, examples: 0 }));
  const steps = Math.ceil(examples / spec.batchSize);
  // padding repeats the last row; its results are not read
  const indices = Int32Array.from({ length: steps * spec.batchSize }, (_, i) => Math.min(i, examples - 1));
  const outputs = await executable.run({
    ...parameterInputs("parameters", completed(spec, parameters), spec.layout),
    "data/features": data.features,
    "data/labels": data.labels,
    ...graphInputs(data.graph),
    indices: { dtype: "int32", shape: [steps, spec.batchSize], data: indices },
  });
  let row = 0;
  return counts.map((count) => {
    const [begin, end] = [row, row + count];
    let [loss, score] = [0, 0];
    for (; row < end; row++) {
      loss += outputs["losses"]!.data[row]!;
      score += outputs["scores"]!.data[row]!;
    }
    const scores = outputs["scores"]!.data.subarray(begin, end);
    const labels = data.labels.data.subarray(begin, end);
    const predicted = outputs["predictions"]?.data.subarray(begin, end);
    const classes = spec.classes && count > 0 && byClass(scores, labels, spec.classes, predicted);
    return { loss, score, examples: count, ...(classes && { classes }) };
  });
}

function byClass(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  predicted: ArrayLike<number> | undefined,
): ClassSums {
  const zeros = () => new Array<number>(classes).fill(0);
  const [examples, hits] = [zeros(), zeros()];
  const found = predicted && Array.from({ length: classes }, zeros);
  for (let row = 0; row < labels.length; row++) {
    examples[labels[row]!]!++;
    hits[labels[row]!]! += scores[row]!;
    if (found !== undefined) found[predicted![row]!]![labels[row]!]!++;
  }
  return { examples, hits, ...(found && { found }) };
}

function completed({ held }: EvaluationSpec, parameters: Vector): Vector {
  if (held === undefined || parameters.length === held.split.whole.size) return parameters;
  return joinParameters(held, parameters);
}
