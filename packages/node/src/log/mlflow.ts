import { hashText } from "@anabranch/engine";
import type { RunSeries } from "./run-series.ts";

/** A file of a logger's folder. */
export interface LogFile {
  /** Relative, with "/". */
  readonly path: string;
  readonly contents: string;
}

/** Characters of a parameter or tag that MLflow takes. */
const LONGEST_VALUE = 5000;

/** Codes of mlflow.entities.RunStatus. */
const STATUS = { finished: 3, failed: 4, diverged: 4, interrupted: 5 } as const;

/**
 * A run in the layout of MLflow's file store: `EXPERIMENT/RUN` with meta.yaml, and a file for each parameter, tag and metric.
 * Lines of a metric are "milliseconds value step". The same run has the same ids each time.
 *
 * @param experiment what groups runs, by name
 */
export function mlflowFiles(run: RunSeries, experiment: string): LogFile[] {
  const experimentId = String(Number.parseInt(hashText(`mlflow ${experiment}`).slice(0, 12), 16));
  const runId = hashText(`mlflow ${run.id} ${run.startedAt}`) + hashText(`run ${run.id} ${run.startedAt}`);
  const folder = `${experimentId}/${runId}`;
  const tags = [["mlflow.runName", run.name] as const, ["mlflow.source.name", "anabranch"] as const, ...run.tags];
  const value = (text: string) => [...text].slice(0, LONGEST_VALUE).join("");
  return [
    {
      path: `${experimentId}/meta.yaml`,
      contents: yaml({
        artifact_location: `./${experimentId}`,
        experiment_id: experimentId,
        lifecycle_stage: "active",
        name: experiment,
      }),
    },
    {
      path: `${folder}/meta.yaml`,
      contents: yaml({
        artifact_uri: `./${folder}/artifacts`,
        end_time: run.end === "interrupted" ? null : run.endedAt,
        entry_point_name: "",
        experiment_id: experimentId,
        lifecycle_stage: "active",
        run_id: runId,
        run_name: run.name,
        run_uuid: runId,
        source_name: "anabranch",
        source_type: 4,
        source_version: "",
        start_time: run.startedAt,
        status: STATUS[run.end],
        tags: [],
        user_id: "",
      }),
    },
    ...run.params.map(([key, text]) => ({ path: `${folder}/params/${named(key)}`, contents: value(text) })),
    ...tags.map(([key, text]) => ({ path: `${folder}/tags/${named(key)}`, contents: value(text) })),
    ...run.series.map(({ name, points }) => ({
      path: `${folder}/metrics/${named(name)}`,
      contents: points.map(({ at, value, round }) => `${at} ${value} ${round}\n`).join(""),
    })),
  ];
}

/** Names may have letters, digits and `_-. /`; the names of options of users' own files may have others. */
function named(key: string): string {
  const parts = key.split("/").map((part) => part.replace(/[^\w. -]/g, "_").replace(/^\.+$/, "_"));
  return parts.map((part) => (part === "" ? "_" : part)).join("/");
}

/** Flat YAML. Texts are JSON, which YAML 1.2 includes. */
function yaml(entries: Readonly<Record<string, unknown>>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join("");
}
