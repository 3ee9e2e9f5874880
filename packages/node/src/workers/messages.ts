import type { ClientOutcome, EvaluationSums, Order, SimulationSpec } from "@anabranch/core";

/** What a worker thread receives when it starts. Shared buffers are shared, the rest is copied. */
export interface WorkerSetup {
  readonly simulation: SimulationSpec;
  readonly executor: string;
  /** Whether to take the processor time of tasks. */
  readonly measure: boolean;
}

/** Whose rows are evaluated: see `SimulationSpec`. */
export type EvaluationSource = "test" | "holdout" | "attackTest";

export type ToWorker =
  | {
      readonly type: "publish";
      readonly version: number;
      /** Whether it is the message for clients that have the version before. */
      readonly change: boolean;
      readonly buffer: SharedArrayBuffer;
      readonly length: number;
    }
  | { readonly type: "retire"; readonly version: number }
  | {
      readonly type: "train";
      readonly id: number;
      /** Where the update goes and states lie, see `slotLayout`. */
      readonly slot: SharedArrayBuffer;
      readonly client: number;
      readonly version: number;
      /** Which of the version's messages the client is given. */
      readonly change: boolean;
      readonly learningRate: number;
      /** See `ClientTask.steps`. */
      readonly steps: number | undefined;
      /** See `ClientTask.part`. */
      readonly part: number | undefined;
      readonly keys: Order["keys"];
      /** Whether the slot holds a state of earlier rounds. */
      readonly hasState: boolean;
    }
  | { readonly type: "parameters"; readonly buffer: SharedArrayBuffer }
  | {
      readonly type: "evaluate";
      readonly id: number;
      readonly source: EvaluationSource;
      readonly range: readonly [number, number];
    }
  | { readonly type: "close" };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "broken"; readonly code: string; readonly message: string }
  | {
      readonly type: "trained";
      readonly id: number;
      /** Bytes of the encoded update in the slot. */
      readonly length: number;
      /** Of what was trained, see `ClientOutcome.norm`. */
      readonly norm: number;
      readonly compression: ClientOutcome["compression"];
      /** Processor time of the task, and of the program in it; 0 where it is not taken. */
      readonly milliseconds: number;
      readonly runningMilliseconds: number;
    }
  | { readonly type: "failed"; readonly id: number; readonly code: string; readonly message: string }
  | { readonly type: "evaluated"; readonly id: number; readonly sums: readonly EvaluationSums[] };
