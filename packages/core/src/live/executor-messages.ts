import type { Failure, HostTensors, Program } from "@anabranch/engine";

/** To the thread or worker that runs programs. */
export type ToExecutor =
  | { readonly type: "load"; readonly id: number; readonly program: Program }
  | { readonly type: "run"; readonly id: number; readonly executable: number; readonly inputs: HostTensors }
  | { readonly type: "release"; readonly id: number; readonly executable: number };

/** From it: an answer for every message, by its number. */
export type FromExecutor =
  | {
      readonly type: "ready";
      readonly name: string;
      readonly version: string;
      readonly float: "float32" | "float64";
      /** Set where another executor stands in for the one that was wanted. */
      readonly warning?: string | undefined;
    }
  | { readonly type: "broken"; readonly failure: Failure }
  | { readonly type: "done"; readonly id: number; readonly outputs: HostTensors }
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure };
