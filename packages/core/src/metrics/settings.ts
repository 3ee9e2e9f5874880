/** What a run measures beside its losses and accuracies, in every so many rounds. Nothing of it changes a bit of the model. */
export interface DiagnosticsSettings {
  /** Rounds between measurements; the last round is always measured. */
  readonly every: number;
  /** See `metrics/flatness.ts`. Needs clients' data. */
  readonly flatness?: FlatnessSettings | undefined;
  /** See `metrics/coherence.ts`. */
  readonly coherence: boolean;
  /** See `metrics/conditioning.ts`. */
  readonly conditioning: boolean;
  /** See `metrics/block-variance.ts`. */
  readonly preconditioners: boolean;
  /** See `metrics/task-meter.ts`. Needs what clients do not send. */
  readonly clipping: boolean;
  /** See `metrics/task-meter.ts`. Needs what clients do not send. */
  readonly compression: boolean;
  /** False: not covered by the epsilon of a private run, as it is computed from single clients without noise. */
  readonly covered: boolean;
}

/** Where losses and gradients of clients are looked at. */
export interface FlatnessSettings {
  /** rho, the length of the perturbations. */
  readonly radius: number;
  /** Clients that are looked at: the same in every round. */
  readonly clients: number;
  /** Examples of each: the same in every round. */
  readonly batch: number;
}
