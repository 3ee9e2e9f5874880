/** How a run ends that has failed: `diverged`, or its clients fail for another reason. */
export type FailedEnd = "diverged" | "clients-failed";

/** What is wrong after the newest round. */
export interface Trouble {
  /** `model`: it has diverged; `clients`: the whole cohort failed; `unreleased`: too few finished for a release. */
  readonly kind: "model" | "clients" | "unreleased";
  /** Rounds in a row with this kind of trouble, the newest included. */
  readonly rounds: number;
  readonly reason: FailedEnd;
  /** Why, and what to do next: whole sentences. */
  readonly message: string;
}

/** A failed client of one round. */
export interface FailedClient {
  readonly code: string;
  readonly message: string;
}
