import type { LiveStatus } from "@anabranch/core/live";
import * as z from "zod";

const count = z.number().min(0);

const client = z.object({
  client: z.int().min(0),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  status: z.enum(["enrolled", "ejected"]),
  connected: z.boolean(),
  phase: z.enum(["idle", "waiting", "downloading", "training", "masking", "uploading"]),
  share: z.number(),
  order: z.string().optional(),
  accepted: count,
  failed: count,
  bytesUp: count,
  bytesDown: count,
  lastSeenSeconds: count.optional(),
});

/** The answer of GET /status: what a run is doing. */
export const runStatus = z.object({
  run: z.string(),
  name: z.string(),
  state: z.enum(["waiting", "running", "paused", "stopping", "finished", "failed"]),
  round: z.int().min(0),
  rounds: z.int().min(0),
  population: z.int().min(0),
  minimumClients: z.int().min(0),
  clients: z.array(client),
});
export type RunStatus = z.infer<typeof runStatus>;

/** The status of a run as the server sends it. */
export interface SentStatus extends LiveStatus {
  readonly name: string;
}

/** The answer of GET /api/runs. */
export const runList = z.object({
  runs: z.array(z.object({ run: z.string(), name: z.string(), state: runStatus.shape.state })),
});
export type ListedRun = z.infer<typeof runList>["runs"][number];
