import {
  type Advice,
  AnabranchError,
  type AttackOutcome,
  type AttackSettings,
  type AuditAttack,
  adviceFor,
  attackObservation,
  type BlobStore,
  type Config,
  type Model,
  type Observation,
  type ObservedRound,
  observeRound,
  type PixelScale,
  pixelScale,
  rangeScale,
  simulatedSecureAggregation,
  trainGenerator,
  trueInputs,
  truePixels,
  usualAttacks,
} from "@anabranch/core";
import type { Executor } from "@anabranch/engine";
import type { LoadOptions } from "../run/configured.ts";
import { type OpenPrepared, openPrepared } from "../run/simulation.ts";

/** What is audited: a run as it is configured, or with one protocol or defence changed. */
export interface AuditTarget {
  /** What a report calls it, e.g. "private". */
  readonly defence: string;
  /** "as configured", or what was changed. */
  readonly protocol: string;
  readonly config: Config;
  /** Checkpoints of a run to begin from. */
  readonly checkpoints?: Pick<BlobStore, "get" | "list"> | undefined;
  /** Test accuracy of a finished run of this configuration; undefined where there is none. */
  readonly accuracy?: number | undefined;
}

export interface AuditOptions extends LoadOptions, AttackSettings {
  /** By name; undefined: those that fit each message. */
  readonly attack?: AuditAttack | undefined;
  /** Default 1. */
  readonly round: number;
  readonly client?: number | undefined;
  /** What is attacked; default: all that somebody sees. */
  readonly view?: "update" | "sum" | undefined;
}

/** One attack on one message of a target. */
export interface AuditRow {
  readonly target: AuditTarget;
  readonly observation: Pick<Observation, "observer" | "kind" | "round" | "clients" | "assumptions">;
  readonly attack: AuditAttack;
  readonly outcome: AttackOutcome | undefined;
  /** Why there is no outcome. */
  readonly refusal: AnabranchError["failure"] | undefined;
  readonly seconds: number;
}

/** All that an audit of one target has found. */
export interface TargetAudit {
  readonly target: AuditTarget;
  readonly rows: readonly AuditRow[];
  readonly advice: readonly Advice[];
  readonly dataset: string;
  readonly model: Model;
}

/**
 * Simulates a configuration up to a round and attacks what its server, or everyone, sees of it.
 *
 * @throws `audit/*`; what does not fit is refused, or left out where no attack was named
 */
export async function auditTarget(target: AuditTarget, options: AuditOptions): Promise<TargetAudit> {
  const opened = await openPrepared(target.config, "audit", options);
  const { prepared, executor } = opened;
  const { model, plan } = prepared;
  const secureAggregation = await simulatedSecureAggregation(plan);
  const ports = { executor, secureAggregation, checkpoints: target.checkpoints };
  const seen = await observeRound(prepared, { round: options.round, client: options.client }, ports);
  const views = viewsOf(seen, options);
  const scale = await scaleOf(opened, target.config, views[0]!);
  const own = await attackersOwn(opened, scale, options);
  const rows: AuditRow[] = [];
  const isSparse = target.config.compression.up.some((link) => /^(top-k|rand-k|fedzip)/.test(link));
  for (const view of views) {
    const named = options.attack === undefined ? usualAttacks(view, model) : [options.attack];
    for (const attack of named) {
      rows.push(await attacked(target, view, attack, model, scale, executor, { ...options, isSparse, ...own }));
    }
  }
  const { assumptions } = views[0]!;
  const advice = adviceFor(model, {
    ...assumptions,
    isMasked: seen.isMasked,
    hasServerNoise: seen.hasServerNoise,
    isNoised: plan.stages.privacy !== undefined && !seen.hasServerNoise,
    isCompressed: plan.stages.compression !== undefined,
  });
  return { target, rows, advice, dataset: prepared.federation.name, model };
}

function viewsOf(seen: ObservedRound, { view }: AuditOptions): Observation[] {
  if (view === "sum") return [seen.sum];
  if (seen.update === undefined) {
    if (view === "update") throw masked();
    return [seen.sum];
  }
  return view === undefined && seen.hasServerNoise ? [seen.update, seen.sum] : [seen.update];
}

async function attacked(
  target: AuditTarget,
  view: Observation,
  attack: AuditAttack,
  model: Model,
  scale: PixelScale,
  executor: Executor,
  options: AuditOptions,
): Promise<AuditRow> {
  const started = performance.now();
  const { observer, kind, round, clients, assumptions } = view;
  const observation = { observer, kind, round, clients, assumptions };
  const row = { target, observation, attack };
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const outcome = await attackObservation(attack, view, model, scale, executor, options);
    return { ...row, outcome, refusal: undefined, seconds: seconds() };
  } catch (error) {
    if (!(error instanceof AnabranchError) || !error.code.startsWith("audit/")) throw error;
    return { ...row, outcome: undefined, refusal: error.failure, seconds: seconds() };
  }
}

async function scaleOf({ prepared, executor }: OpenPrepared, config: Config, { truth, parameters }: Observation) {
  const { model } = prepared;
  if (model.features.dtype !== "uint8") return rangeScale(truth.features);
  const { mean = 0.5, std = 0.5 } = config.model as { mean?: number | number[]; std?: number | number[] };
  const shape = truth.features.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  const first = { ...truth.features, shape: [1, ...shape], data: truth.features.data.slice(0, size) };
  return pixelScale(model, parameters, first, { mean, std }, executor);
}

/** What an attack trains for itself on the test examples, which no client has. */
async function attackersOwn(
  { prepared, executor }: OpenPrepared,
  scale: PixelScale,
  { attack, seed }: AuditOptions,
): Promise<Pick<AttackSettings, "generator" | "auxiliary">> {
  if (attack !== "gifd" && attack !== "network") return {};
  const { federation, model } = prepared;
  const test = federation.dataset?.test;
  if (test === undefined) {
    throw new AnabranchError({
      code: "audit/auxiliary",
      message: "the attack trains a network on test examples, and this data set has none in memory",
      where: federation.name,
      advice: "Choose another data set, or another attack.",
    });
  }
  const pixels = truePixels(test.features, scale);
  if (attack === "gifd") {
    return { generator: await trainGenerator(pixels, model.features.shape, scale, executor, { seed }) };
  }
  return { auxiliary: { inputs: trueInputs(pixels, scale), pixels, labels: Array.from(test.labels.data, Number) } };
}

function masked(): AnabranchError {
  return new AnabranchError({
    code: "audit/masked",
    message: "under secure aggregation nobody sees the update of one client",
    received: "--view update",
    expected: "--view sum",
    advice: "The server sees the sum of the round: attack that.",
  });
}
