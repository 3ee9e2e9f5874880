import type { ArrayDataset, TrainTest } from "@anabranch/core/readers";
import type { Failure } from "@anabranch/engine";
import type { DatasetPath } from "./dataset-name.ts";
import type { Checksums } from "./file-access.ts";
import type { Reading } from "./local-files.ts";

/** What a loading thread is to read. */
export type LoadRequest =
  | {
      readonly kind: "local";
      readonly from: DatasetPath;
      readonly base: string | undefined;
      readonly dataDir: string | undefined;
      /** Where the name does not say. */
      readonly reading: Reading | undefined;
    }
  | {
      readonly kind: "published";
      readonly name: string;
      /** Where to look, in this order. */
      readonly folders: readonly CheckedFolder[];
    };

export interface CheckedFolder {
  readonly path: string;
  /** Of the files, where they must be the published ones. */
  readonly checksums: Checksums | undefined;
}

/** What the parent tells the loading process first. */
export interface LoadOrder {
  readonly request: LoadRequest;
  /** Heap of the thread that reads, in MiB. */
  readonly heapMiB: number;
  /** File URL of what the thread runs. */
  readonly script: string;
}

type Progress =
  | { readonly type: "started" }
  /** The work may take so much longer. */
  | { readonly type: "allow"; readonly milliseconds: number }
  | { readonly type: "refused"; readonly failure: Omit<Failure, "cause"> }
  | { readonly type: "failed"; readonly error: Error };

/** From the thread that reads to its process. Data undefined: no folder has the data set. */
export type ThreadMessage = Progress | { readonly type: "loaded"; readonly data: TrainTest | undefined };

/** From the process to its parent: a data set comes as a frame without bytes, then its bytes piece by piece. */
export type ProcessMessage =
  | Progress
  | { readonly type: "memory" }
  | { readonly type: "frame"; readonly data: TrainTest | undefined; readonly arrays: readonly EmptyArray[] }
  | { readonly type: "bytes"; readonly array: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: "done" };

/** An array whose bytes follow. */
export interface EmptyArray {
  readonly part: "train" | "test";
  readonly field: ArrayField;
  readonly kind: "Uint8Array" | "Int32Array" | "Float32Array";
  readonly length: number;
}

export type ArrayField = "features" | "labels" | "groups";

/** The arrays of a data set by field. */
export function arraysOf({ features, labels, groups }: ArrayDataset) {
  return { features: features.data, labels: labels.data, ...(groups !== undefined && { groups }) };
}
