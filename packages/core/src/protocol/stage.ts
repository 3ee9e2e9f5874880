import type { Layout, Vector } from "../params/index.ts";
import type { Update } from "./message.ts";

/** What a client half may know beside the update. */
export interface ClientStageContext {
  /** Public scalars of the broadcast, e.g. the round's clip norm. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Layouts of the update's vectors as trained. */
  readonly layouts: Readonly<Record<string, Layout>>;
}

/** What a server half may know beside the aggregate. */
export interface ServerStageContext {
  /** 1-based. */
  readonly round: number;
  /** The scalars that went down in this round. */
  readonly scalars: Readonly<Record<string, number>>;
}

type Aggregate = Readonly<Record<string, Vector>>;

/** A transform of the update in two halves; either may be absent. It sees sensitive vectors and public metadata apart. */
export interface Stage {
  readonly name: string;
  client?(update: Update, context: ClientStageContext): Update;
  server?(aggregate: Aggregate, context: ServerStageContext): Aggregate;
}

/** Client halves in order. */
export function applyClientStages(stages: readonly Stage[], update: Update, context: ClientStageContext): Update {
  return stages.reduce((u, stage) => stage.client?.(u, context) ?? u, update);
}

/** Server halves in reverse order, on the aggregate. */
export function applyServerStages(
  stages: readonly Stage[],
  aggregate: Aggregate,
  context: ServerStageContext,
): Aggregate {
  return stages.reduceRight((a, stage) => stage.server?.(a, context) ?? a, aggregate);
}
