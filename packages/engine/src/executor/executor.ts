import type { HostTensor } from "../graph/types.ts";
import type { Program } from "../program/program.ts";

/** Named values in or out of a program. */
export type HostTensors = Readonly<Record<string, HostTensor>>;

/**
 * What runs programs. It hides where and how: native, WebAssembly, WebGPU, interpreted. It knows nothing of parameters,
 * clients or rounds. The same executor, version and thread settings on the same kind of processor give the same bits.
 */
export interface Executor {
  readonly name: string;
  readonly version: string;
  /** Element type of "float" inputs and outputs. */
  readonly float: "float32" | "float64";
  /** Prepares a program. Throws `executor/compile` when the runtime refuses it. */
  load(program: Program): Promise<Executable>;
}

/** A prepared program. Runs do not overlap; call from a worker thread where the thread must stay responsive. */
export interface Executable {
  /**
   * Runs once. Inputs must match the program's ports in name, element type and static dimensions; inputs stay untouched
   * and outputs are fresh. Throws `executor/input` for a missing or misshapen input, `executor/run` for a failure on the
   * way (an index out of range, a scan of no steps).
   */
  run(inputs: HostTensors): Promise<HostTensors>;
  /** Frees native memory. A later `run` throws `executor/released` where there was any; releasing twice is no mistake. */
  release(): Promise<void>;
}
