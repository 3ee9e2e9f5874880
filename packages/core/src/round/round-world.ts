import type { RuleReport } from "../aggregation/rule-report.ts";
import type { CompressionLoss, TaskMeter } from "../metrics/task-meter.ts";
import type { Vector } from "../params/vector.ts";
import type { ServerPipeline } from "../pipeline/index.ts";
import type { ClientReport } from "../selection/feedback.ts";
import type { RunState } from "./checkpoint-store.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";
import type { Staleness } from "./staleness-meter.ts";
import type { FailedClient } from "./trouble.ts";

/** What a round acts on. */
export interface RoundWorld {
  readonly plan: RunPlan;
  readonly ports: RunPorts;
  readonly state: RunState;
  readonly pipeline: ServerPipeline;
}

/** A round that has begun. */
export interface OpenRound {
  /** 1-based. */
  readonly round: number;
  /** Empty where the schedule itself chooses clients. */
  readonly cohort: readonly number[];
  /** Part of the payloads by client; undefined where everyone sends everything. */
  readonly parts: ReadonlyMap<number, number> | undefined;
  readonly learningRate: number;
  /** The public scalars that go down. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** Whose update it is, and on which version it was trained. */
export interface FoldedUpdate {
  readonly client: number;
  readonly version: number;
  readonly visit: number;
}

/** What collecting a round has cost, and who failed. */
export interface Collected {
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Bytes of the largest message in either direction. */
  readonly largestMessage: number;
  readonly foldMs: number;
  /** FLOPs of the tasks whose updates were added, where clients train models of other sizes. */
  readonly flops: number | undefined;
  /** What a simulation has measured of the tasks. */
  readonly tasks: TaskMeter;
  /** What the compression of the broadcast has lost, where that is measured. */
  readonly broadcast?: CompressionLoss | undefined;
  readonly failures: readonly FailedClient[];
  /** What clients have reported, where the sampler learns from it. */
  readonly reports: readonly ClientReport[];
  readonly staleness: Staleness;
  /** In the order in which they were added. */
  readonly updates: readonly FoldedUpdate[];
  /** Size of the cohort, or clients that came back where the schedule itself chooses clients. */
  readonly cohort: number;
}

/** What a round has come to. */
export interface ClosedRound {
  /** Bytes of all messages, those of secure aggregation included. */
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly largestMessage: number;
  /** The model before it. */
  readonly before: Vector;
  /** Whom the method trusts, where it says so. */
  readonly report: RuleReport | undefined;
  /** Why nothing was released; undefined where something was. */
  readonly whyNotReleased: string | undefined;
}
