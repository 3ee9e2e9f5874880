import type { Failure } from "@anabranch/engine";
import type { ComparedRuns } from "./compared-runs.ts";
import type { RunList } from "./run-list.ts";

/** What is read of run folders in a process of its own: a task's input and what comes back. */
export interface ReadTasks {
  list: { input: { root: string }; output: RunList };
  compare: { input: { folders: readonly string[] }; output: ComparedRuns };
  /** The HTML of a report. */
  report: { input: { folders: readonly string[] }; output: string };
}

export type ReadTask = keyof ReadTasks;

/** What carries tasks out. */
export interface Reader {
  /** @throws `dashboard/reader` where the process was lost, and what reading throws */
  ask<T extends ReadTask>(task: T, input: ReadTasks[T]["input"]): Promise<ReadTasks[T]["output"]>;
}

/** A task for the process. */
export type ToReader = { [T in ReadTask]: { id: number; task: T; input: ReadTasks[T]["input"] } }[ReadTask];

/** What comes back; before it, which run is read: a process that ends over a run could not report it. */
export type FromReader =
  | { type: "reading"; run: string | undefined }
  | { type: "done"; id: number; output: ReadTasks[ReadTask]["output"] }
  | { type: "failed"; id: number; failure: Failure };
