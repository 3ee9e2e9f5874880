/**
 * Kernels that run on the host, between segments of a loop: ONNX has no operator for a factorisation. A program names
 * them from this closed table; `executor/kernels.ts` has what they compute.
 *
 * - eigenbasis: gram [d, d] -> basis [d, d], its eigenvectors as columns, largest eigenvalue first
 * - orthogonal-iteration: gram [d, d], basis Q [d, d], moment [..., d, ...] -> Q, moment: sorts Q's columns by
 *   diag(Q^T gram Q), descending, and the moment along `axis` with them, then Q <- qr(gram Q).Q
 * - inverse-root: factor [d, d] -> max(factor, floor I)^(-1 / order) [d, d]; `order` is a whole number
 */
export type KernelName = "eigenbasis" | "orthogonal-iteration" | "inverse-root";

/** One kernel on entries of a loop's carry, which are named by their paths. */
export interface KernelCall {
  readonly kernel: KernelName;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options: Readonly<Record<string, number>>;
}

/** When kernels renew parts of a loop's carry: after `first` steps and every `every` steps from then on, not after the last step. */
export interface HostKernelSchedule {
  /** 0 or more. */
  readonly first: number;
  /** 1 or more. */
  readonly every: number;
  /** Whether kernels read the carry as the next step would leave it. That step is then taken anew, so it is computed twice. */
  readonly ahead: boolean;
  /** Kernels of the first refresh, in this order. */
  readonly initial: readonly KernelCall[];
  /** Kernels of the later ones. */
  readonly later: readonly KernelCall[];
}

/**
 * The same schedule for a carry that has those entries below `prefix`: "optimizer" makes "basis/w" "optimizer/basis/w".
 *
 * @example
 * ```ts
 * import { withPrefix } from "@anabranch/engine";
 * const call = { kernel: "eigenbasis", inputs: ["gram"], outputs: ["basis"], options: {} } as const;
 * const schedule = { first: 0, every: 10, ahead: false, initial: [call], later: [call] };
 * withPrefix("optimizer", schedule)!.initial[0]!.outputs; // => ["optimizer/basis"]
 * ```
 */
export function withPrefix(prefix: string, schedule: HostKernelSchedule | undefined): HostKernelSchedule | undefined {
  if (schedule === undefined) return undefined;
  const below = (paths: readonly string[]) => paths.map((path) => `${prefix}/${path}`);
  const moved = (calls: readonly KernelCall[]) =>
    calls.map((call) => ({ ...call, inputs: below(call.inputs), outputs: below(call.outputs) }));
  return { ...schedule, initial: moved(schedule.initial), later: moved(schedule.later) };
}
