import { largestEncoding } from "../codecs/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { mechanismStages, stageVectors } from "../privacy/mechanisms/stages.ts";
import { integerVectors } from "../privacy/secure-aggregation-encoding/index.ts";
import type { ClientStageContext, Stage, Update } from "../protocol/index.ts";
import { applyClientStages } from "../protocol/stage.ts";
import { clipStage } from "./clip-stage.ts";
import { codecStage } from "./codec-stage.ts";
import { compressionStage, largestCompressed } from "./compression-stage.ts";
import { integerStage } from "./integer-stage.ts";
import { linearStage } from "./linear-stage.ts";
import { messageStage, plainLengths } from "./message-stage.ts";
import { layoutsOfPart, type PipelineSettings, type Uploads } from "./settings.ts";
import { weightStage } from "./weight-stage.ts";

/** What both sides must know to build the same pipeline, as plain data. */
export interface PipelineSpec extends Uploads {
  readonly stages: PipelineSettings;
  readonly float: "float32" | "float64";
}

/**
 * The life of an update, in the order in which it leaves a client: weight, clip, mechanism (clip, noise), then codecs or
 * integers, then the message. Nothing else touches an update. Each side builds it once.
 */
export function pipelineStages(spec: PipelineSpec): readonly Stage[] {
  const { weighting, clipNorm, privacy, secureAggregation, compression } = spec.stages;
  const own: Stage[] = [weightStage(weighting, secureAggregation !== undefined)];
  const isExact = travelsAsTrained(spec) && privacy === undefined;
  if (clipNorm > 0) own.push(clipStage(clipNorm, isExact));
  if (privacy !== undefined) own.push(...mechanismStages(privacy, Object.keys(spec.upload)));
  const make = (length: number) => makeVector(spec, length);
  if (secureAggregation !== undefined) {
    if (compression !== undefined) own.push(linearStage(spec.upload, compression, make));
    own.push(integerStage(secureAggregation, make));
  } else {
    if (Object.keys(spec.codecs).length > 0) own.push(codecStage(spec));
    if (compression !== undefined) own.push(compressionStage(spec, compression, make));
  }
  return [...own, messageStage(spec, messageLengths(spec), compressedVectors(spec))];
}

/** Vectors that travel as bytes: none where integers are added. */
function compressedVectors({
  stages: { compression, secureAggregation },
}: PipelineSpec): readonly string[] | undefined {
  return secureAggregation === undefined ? compression?.vectors : undefined;
}

/** The update as it travels, from what was trained. */
export function sentUpdate(spec: PipelineSpec, update: Update, context: ClientStageContext): Update {
  return applyClientStages(builtStages(spec), update, context);
}

const built = new WeakMap<PipelineSpec, readonly Stage[]>();

function builtStages(spec: PipelineSpec): readonly Stage[] {
  const known = built.get(spec) ?? pipelineStages(spec);
  built.set(spec, known);
  return known;
}

/**
 * Layouts of all vectors in the message of a client with this part, before codecs: those of stages too.
 *
 * @example
 * ```ts
 * import { messageLayouts } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const { task } = smallRun({ name: "scaffold" }).prepared.simulation;
 * const vectors = Object.entries(messageLayouts(task, undefined));
 * vectors.map(([name, { size }]) => [name, size]); // => [["delta", 26], ["control", 26]]
 * ```
 */
export function messageLayouts(spec: PipelineSpec, part: number | undefined): Readonly<Record<string, Layout>> {
  const { privacy, secureAggregation } = spec.stages;
  if (secureAggregation !== undefined) return integerVectors(secureAggregation);
  return { ...layoutsOfPart(spec, part), ...(privacy === undefined ? {} : stageVectors(privacy)) };
}

/**
 * Whether the vectors of a message lie where training puts them, as long as they are trained. Otherwise it is written
 * afterwards: a codec decides how long a vector is, and integers are made of what was trained.
 *
 * @example
 * ```ts
 * import { travelsAsTrained } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const compression = { up: ["top-k density=0.1"] };
 * const runs = [smallRun({ name: "fedavg" }), smallRun({ name: "fedavg" }, { compression })];
 * runs.map(({ prepared }) => travelsAsTrained(prepared.simulation.task)); // => [true, false]
 * ```
 */
export function travelsAsTrained(spec: PipelineSpec): boolean {
  const { secureAggregation, compression } = spec.stages;
  return Object.keys(spec.codecs).length === 0 && secureAggregation === undefined && compression === undefined;
}

/**
 * An update as long as they get.
 *
 * @example
 * ```ts
 * import { largestUpdate } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const { task } = smallRun({ name: "fedavg" }).prepared.simulation;
 * const { vectors } = largestUpdate(task, undefined);
 * vectors["delta"]?.length; // => 26
 * ```
 */
export function largestUpdate(spec: PipelineSpec, part: number | undefined): Update {
  const { compression } = spec.stages;
  const compressed = new Set(compressedVectors(spec));
  const layouts = Object.entries(messageLayouts(spec, part));
  const plain = layouts.filter(([name]) => !compressed.has(name));
  const vectors = plain.map(([name, layout]): [string, Vector] => {
    if (spec.stages.secureAggregation !== undefined) return [name, new Float64Array(layout.size)];
    const codec = spec.codecs[name];
    return [name, makeVector(spec, codec === undefined ? layout.size : largestEncoding(codec, layout))];
  });
  const numbers = { examples: 0, steps: 0, weight: 0, loss: 0, ...(part === undefined ? {} : { part }) };
  const { layoutHash } = spec;
  const update = { round: 0, client: 0, layoutHash, vectors: Object.fromEntries(vectors), public: numbers };
  if (compression === undefined || compressed.size === 0) return update;
  const bytes = spec.float === "float64" ? 8 : 4;
  const payloads = layouts
    .filter(([name]) => compressed.has(name))
    .map(([name, layout]) => {
      return [name, new Uint8Array(largestCompressed(compression, layout, bytes))] as const;
    });
  return { ...update, encoded: Object.fromEntries(payloads) };
}

function messageLengths(spec: PipelineSpec): Parameters<typeof messageStage>[1] {
  const { privacy, secureAggregation, compression } = spec.stages;
  if (secureAggregation === undefined) {
    const added = privacy === undefined ? {} : stageVectors(privacy);
    return plainLengths(spec, added, compression?.vectors);
  }
  const lengths = Object.entries(integerVectors(secureAggregation)).map(([name, { size }]) => [name, size] as const);
  return () => Object.fromEntries(lengths);
}

function makeVector({ float }: Pick<PipelineSpec, "float">, length: number): Vector {
  return float === "float64" ? new Float64Array(length) : new Float32Array(length);
}
