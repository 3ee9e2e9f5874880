import type { Algorithm, Payloads, Upload } from "../algorithms/algorithm.ts";
import type { Config } from "../config/index.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Layout } from "../params/layout.ts";
import type { HeldParameters } from "../params/standing.ts";
import { isStatistic } from "../params/statistics.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import type { Warning } from "../round/backend.ts";
import type { RunPlan } from "../round/run-plan.ts";

/** What a run measures, what it cannot, and what `run.started` tells of it. */
export interface ResolvedDiagnostics {
  readonly settings: DiagnosticsSettings | undefined;
  /** One for each metric that was asked for and is left out. */
  readonly warnings: readonly Warning[];
  readonly energy: Pick<RunPlan["description"], "joulesPerByte" | "joulesPerFlop">;
}

interface Parts {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  readonly layout: Layout;
  readonly held?: HeldParameters | undefined;
  readonly stages: PipelineSettings;
}

type Metric = "flatness" | "coherence" | "preconditioners" | "clipping" | "compression";

/** The diagnostics of a configuration; metrics that its method or its pipeline does not allow are left out, with a reason. */
export function resolveDiagnostics({ diagnostics }: Config, parts: Parts): ResolvedDiagnostics {
  const { conditioning, every, radius, clients, batch } = diagnostics;
  const warnings: Warning[] = [];
  const possible = (metric: Metric): boolean => {
    const reason = diagnostics[metric] ? REASONS[metric](parts) : undefined;
    if (reason !== undefined) {
      warnings.push({ code: "diagnostics/left-out", message: `diagnostics.${metric} is left out: ${reason}.` });
    }
    return diagnostics[metric] && reason === undefined;
  };
  const flatness = possible("flatness");
  const settings: DiagnosticsSettings = {
    every,
    flatness: flatness ? { radius, clients, batch } : undefined,
    conditioning,
    coherence: possible("coherence"),
    preconditioners: possible("preconditioners"),
    clipping: possible("clipping"),
    compression: possible("compression"),
    covered: parts.stages.privacy === undefined,
  };
  const { coherence, preconditioners, clipping, compression } = settings;
  const on = flatness || conditioning || coherence || preconditioners || clipping || compression;
  return { settings: on ? settings : undefined, warnings, energy: declaredEnergy(diagnostics) };
}

/** Why a metric cannot be measured; undefined where it can. */
const REASONS: Readonly<Record<Metric, (parts: Parts) => string | undefined>> = {
  flatness({ held, layout }) {
    if (held !== undefined) return "parts of the model are personal or frozen";
    return layout.entries.some(isStatistic) ? "the model has running statistics, which are not weights" : undefined;
  },
  coherence: ({ payloads, layout, stages }) =>
    hiddenUpdates(stages) ??
    (payloads.parts !== undefined
      ? "clients send parts of the model, and every part has a cohort of its own"
      : sends(payloads, layout, false)
        ? undefined
        : "clients send no vector of the model's shape"),
  preconditioners: ({ algorithm, payloads, layout, stages }) =>
    hiddenUpdates(stages) ??
    (sends(payloads, layout, true)
      ? undefined
      : `the clients of ${algorithm.name} send no preconditioner with a number for each parameter`),
  compression({ stages: { compression, down, secureAggregation } }) {
    if (down !== undefined) return undefined;
    if (compression === undefined) return "no uploads or broadcasts are compressed";
    return secureAggregation === undefined ? undefined : "secure aggregation compresses sums";
  },
  clipping({ stages: { clipNorm, privacy } }) {
    if (privacy === undefined) return clipNorm > 0 ? undefined : "updates are not clipped";
    if (privacy.fewestRecords !== undefined) return "this record-level privacy clips each record, not updates";
    return privacy.clipping === "flat"
      ? undefined
      : `privacy.clipping = "${privacy.clipping}" clips each layer by itself`;
  },
};

/** Where the server has sums alone, or updates that their clients have noised. */
function hiddenUpdates({ privacy, secureAggregation }: PipelineSettings): string | undefined {
  if (secureAggregation !== undefined) return "secure aggregation adds updates, but not their squared norms";
  if (privacy === undefined || privacy.noise === "central") return undefined;
  return "clients add noise to their updates, which would be measured instead";
}

/** Whether clients send a vector of the model's shape; `measured`: one whose drift is measured, a preconditioner. */
function sends({ upload }: Payloads, model: Layout, measured: boolean): boolean {
  const fits = ({ layout, drift = false, aggregation }: Upload) =>
    layout.hash === model.hash && drift === measured && aggregation !== "each";
  return Object.values(upload).some(fits);
}

function declaredEnergy({ joulesPerByte, joulesPerFlop }: Config["diagnostics"]): ResolvedDiagnostics["energy"] {
  return {
    ...(joulesPerByte === undefined ? {} : { joulesPerByte }),
    ...(joulesPerFlop === undefined ? {} : { joulesPerFlop }),
  };
}
