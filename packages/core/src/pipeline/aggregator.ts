import type { Failure } from "@anabranch/engine";
import type { RuleReport } from "../aggregation/rule-report.ts";
import type { CarriedBytes } from "../algorithms/algorithm.ts";
import type { CohortMeasurements } from "../metrics/cohort-meters.ts";
import type { Vector } from "../params/vector.ts";
import type { SecureAggregationCost } from "../privacy/secure-aggregation/protocol.ts";
import type { Update } from "../protocol/message.ts";
import type { CohortMetrics } from "./cohort-metrics.ts";

/** What becomes of a cohort's updates: folded as they come, or kept and summed by secure aggregation. */
export interface Aggregator {
  readonly metrics: CohortMetrics;
  /** Whose updates were added, in order, where some are kept side by side. */
  readonly clients?: readonly number[] | undefined;
  /** Their public weights. */
  readonly weights?: readonly number[] | undefined;
  /** Their mean training losses. */
  readonly losses?: readonly number[] | undefined;
  /** Forgets the last round. */
  begin(round: number, cohort: readonly number[]): void;
  /** Adds updates in cohort order, each times the factor that its schedule puts on it; absent: 1. */
  addAll(updates: readonly Update[], factors?: readonly number[]): void;
  /** Keeps the update of the server itself, for rules that compare with one. */
  addRoot?(update: Update): void;
  /** Moves what does not fit in memory elsewhere. */
  settle?(): Promise<void>;
  /** After the last update: why there is no sum, undefined where there is one. `previous`: `memory` of the last round. */
  finish(previous?: Vector): Promise<Failure | undefined>;
  /** The aggregate, one vector an entry, written into vectors made by `make`. */
  result(make: (length: number) => Vector): Record<string, Vector>;
  /** Bytes of a round's messages, from those that the backend has carried. */
  traffic(carried: Traffic): Traffic;
  /** What was measured of the clients' vectors in the last result. */
  readonly measured: CohortMeasurements;
  /** What a rule takes along to the next round. */
  readonly memory?: Vector | undefined;
  /** What a robust rule made of the updates. */
  readonly report?: RuleReport | undefined;
  /** What simulated attackers did. */
  readonly attackReport?: AttackReport | undefined;
  /** What the secure aggregation protocol has cost. */
  readonly cost: SecureCost | undefined;
}

export type Traffic = CarriedBytes;

/** What simulated attackers did in a round. */
export interface AttackReport {
  /** Clients that sent a crafted update. */
  readonly clients: readonly number[];
  /** Factor that was chosen for it. */
  readonly factor?: number;
  /** Client that was copied. */
  readonly target?: number;
}

export interface SecureCost extends SecureAggregationCost {
  readonly protocol: string;
  /** Clients whose update is in the sum; 0 where there is none. */
  readonly survivors: number;
  /** Share of the values of their updates that were clipped to the range; undefined where there is no sum, or no range. */
  readonly cut: number | undefined;
}
