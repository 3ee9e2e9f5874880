import type { ClientData } from "../client/run-client.ts";
import type { ClientPrivacy } from "./client-epsilon.ts";
import type { TaskDescription } from "./task-description.ts";

/** The examples of a client: those it trains on and those it evaluates on. */
export interface LocalExamples {
  readonly train: ClientData;
  readonly holdout?: ClientData | undefined;
}

/** What happens at a client, for people. */
export type ClientReport =
  | { readonly type: "connecting"; readonly attempt: number }
  | { readonly type: "disconnected"; readonly reason: string; readonly retryInSeconds: number }
  | {
      readonly type: "joined";
      readonly client: number;
      readonly description: TaskDescription;
      readonly examples: number;
      /** Of clients that add noise. */
      readonly privacy?: ClientPrivacy;
    }
  | { readonly type: "progress"; readonly order: string; readonly phase: string; readonly share: number }
  | {
      readonly type: "uploaded";
      readonly order: string;
      readonly bytes: number;
      readonly accepted: boolean;
      readonly code?: string;
    }
  | { readonly type: "failed"; readonly order: string; readonly code: string; readonly message: string }
  /** A message of secure aggregation. */
  | { readonly type: "answered"; readonly order: string; readonly stage: string; readonly bytes: number }
  | { readonly type: "evaluated"; readonly examples: number }
  | { readonly type: "finished"; readonly round: number; readonly stopped: string; readonly modelHash: string };
