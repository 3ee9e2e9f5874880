/** What clients of FedD2S tell of their classes at the stages of a model. */
import { AnabranchError, add, div, matmul, softmax, type Tensor } from "@anabranch/engine";
import { classMessage } from "../heterogeneity/class-message.ts";
import type { StageClass } from "../heterogeneity/index.ts";
import { entryView, type Layout, type LayoutEntry, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { LocalEnd, ParameterTensors } from "./algorithm.ts";
import { headOf } from "./head.ts";

/** Name of the entry of a stage, from 1 up. */
export const stageName = (stage: number): string => `stage${stage}`;

/**
 * The weights of a model whose inputs are the outputs of its stages, in their order: those of dense layers after the first
 * layer, with the head's as the last. Throws `method/layers` where there is none.
 */
export function stageWeights({ entries, blocks }: Layout, method: string): readonly LayoutEntry[] {
  const depth = new Map(blocks.map((block, k) => [block, k]));
  const weights = entries
    .filter(({ shape }) => shape.length > 1)
    .sort((a, b) => depth.get(a.block)! - depth.get(b.block)!);
  const found = weights.slice(1).filter(({ shape, heads }) => shape.length === 2 && heads === 1);
  if (found.at(-1)?.role === "head") return found;
  throw notDense(method, weights.map(({ name }) => name).join(", ") || "no layers");
}

function notDense(method: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "method/layers",
    message: "the method needs what enters the dense layers of a model",
    where: `algorithm.name = "${method}"`,
    received,
    expected: "a layer and, after it, dense layers of which the last is the head",
    advice: 'Choose model.name = "mlp" with hidden layers, or "cnn-28x28".',
  });
}

/**
 * Of a client: count [C] of its examples of each class, soft [C, C] their mean soft labels, and the mean output of each
 * stage, [C, q_l]. Classes that it does not tell of are zeros.
 */
export function stageLayout(model: Layout, method: string): Layout {
  const { classes } = headOf(model, method);
  const entry = (name: string, shape: readonly number[]) => ({ name, shape, role: "vector", block: name }) as const;
  const stages = stageWeights(model, method).map(({ shape }, k) => entry(stageName(k + 1), [classes, shape[0]!]));
  return layout([entry("count", [classes]), entry("soft", [classes, classes]), ...stages]);
}

/** The message of a client, traced. */
export function stageMessage(
  parameters: ParameterTensors,
  local: LocalEnd,
  { method, temperature, minimumCount }: Readonly<{ method: string; temperature: number; minimumCount: number }>,
): ParameterTensors {
  const { features, labels } = local.representations(parameters);
  const { weight, bias, classes } = headOf(local.model, method);
  const inputs = local.layerInputs(parameters);
  const told = (rows: Tensor) =>
    classMessage({ features: rows, labels }, classes, { minimumCount, covariances: false }) as Means;
  const logits = add(matmul(features, parameters[weight!.name]!), parameters[bias!.name]!);
  const { count, mean: soft } = told(softmax(div(logits, temperature)));
  const stages = stageWeights(local.model, method).map(({ name }, k) => {
    const rows = inputs[name];
    if (rows === undefined) throw notDense(method, `${name}, a weight that is used otherwise`);
    return [stageName(k + 1), told(rows).mean] as const;
  });
  return { count, soft, ...Object.fromEntries(stages) };
}

type Means = Readonly<Record<"count" | "mean", Tensor>>;

/** What one client told of its classes at a stage, classes in rising order. */
export function readStage(message: Vector, { entries }: Layout, stage: number): StageClass[] {
  const [counts, soft, means] = ["count", "soft", stageName(stage)].map((name) => {
    const entry = entries.find((one) => one.name === name)!;
    return { values: entryView(message, entry), width: entry.shape[1] ?? 1 };
  });
  const row = ({ values, width }: NonNullable<typeof soft>, label: number) =>
    Array.from(values.subarray(label * width, (label + 1) * width));
  return Array.from(counts!.values).flatMap((count, label) => {
    return count > 0 ? [{ label, features: row(means!, label), soft: row(soft!, label) }] : [];
  });
}
