import type { EnrolledClient } from "./ports.ts";

/** What a server knows of a client while it runs. */
export interface ClientStatus {
  readonly connected: boolean;
  readonly phase: "idle" | "waiting" | "downloading" | "training" | "masking" | "uploading";
  /** Share of the phase, 0 to 1. */
  readonly share: number;
  readonly order: string | undefined;
  /** As the client has declared; undefined before it joins this process, and under secure aggregation. */
  readonly examples: number | undefined;
  /** Updates that were accepted and orders that failed, in this process. */
  readonly accepted: number;
  readonly failed: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly lastSeen: number | undefined;
}

/** A live run as the page, the status command and the metrics show it: plain data. */
export interface LiveStatus {
  readonly run: string;
  /** "waiting": for the first clients; "stopping": the last round is being trained; "failed": an error has ended the run. */
  readonly state: "waiting" | "running" | "paused" | "stopping" | "finished" | "failed";
  readonly round: number;
  readonly rounds: number;
  readonly population: number;
  readonly minimumClients: number;
  readonly clients: readonly (Pick<EnrolledClient, "client" | "name" | "labels" | "status"> &
    Omit<ClientStatus, "lastSeen"> & { readonly lastSeenSeconds: number | undefined })[];
}

/** What happened, for logs and metrics. */
export type LiveNotice =
  /** The server could not answer a client. */
  | { readonly type: "error"; readonly error: string }
  | { readonly type: "joined"; readonly client: number }
  | { readonly type: "gone"; readonly client: number; readonly left: boolean }
  | { readonly type: "failed"; readonly client: number; readonly order: string; readonly code: string }
  | {
      readonly type: "upload";
      readonly client: number;
      readonly order: string;
      readonly answer: "accepted" | "refused";
    };
