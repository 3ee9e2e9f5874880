import type { CodecSpec } from "../codecs/index.ts";
import type { CompressionLink, CompressionSettings, FeedbackSettings } from "../compression/index.ts";
import type { Layout } from "../params/layout.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import type { SecureAggregationSettings } from "../privacy/secure-aggregation-encoding/index.ts";

/** How uploads are compressed, as plain data. */
export interface UploadCompression extends CompressionSettings, FeedbackSettings {
  /** Uploaded vectors that are compressed; the others travel as they are. */
  readonly vectors: readonly string[];
}

/** How broadcasts are compressed, as plain data. */
export interface DownCompression {
  readonly operators: readonly CompressionLink[];
  readonly scope: "model" | "layer";
  /**
   * "none": clients start from what the operators leave of the model. "ef21": server and clients keep a replica, and what
   * goes down is the compressed difference to it.
   */
  readonly feedback: "none" | "ef21";
  /** Vectors of the broadcast that are compressed; the others travel as they are. */
  readonly vectors: readonly string[];
}

/** What acts on every update of a run, as plain data: stages are named here, never sent as code. */
export interface PipelineSettings {
  /** "examples": an update weighs as many examples as it was trained on; "uniform": every update weighs 1. */
  readonly weighting: "examples" | "uniform";
  /** L2 bound on the whole update, over all its vectors; 0: off. */
  readonly clipNorm: number;
  /** Differential privacy; absent: none. */
  readonly privacy?: MechanismSettings | undefined;
  /** Updates leave as integers and are summed by secure aggregation; absent: as they are. */
  readonly secureAggregation?: SecureAggregationSettings | undefined;
  /** Uploads travel compressed; absent: as they are. */
  readonly compression?: UploadCompression | undefined;
  /** Broadcasts travel compressed; absent: as they are. */
  readonly down?: DownCompression | undefined;
}

/** What a method's clients upload, as a pipeline must know it. */
export interface Uploads {
  readonly upload: Readonly<Record<string, Layout>>;
  /** Of methods whose clients send only some entries: the layouts of each part. */
  readonly parts?: readonly Readonly<Record<string, Layout>>[] | undefined;
  /** Codecs of the vectors of `upload` that have one. */
  readonly codecs: Readonly<Record<string, CodecSpec>>;
  /** Hash of the model's layout; an update of another model is refused. */
  readonly layoutHash: string;
}

/** Layouts of the vectors that a client with this part trains. */
export function layoutsOfPart(
  { upload, parts }: Pick<Uploads, "upload" | "parts">,
  part: number | undefined,
): Readonly<Record<string, Layout>> {
  return part === undefined ? upload : parts![part]!;
}
