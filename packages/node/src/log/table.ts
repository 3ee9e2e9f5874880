import { csvCell } from "../report/comparison-files.ts";
import type { RunSeries } from "./run-series.ts";

/** The values of a run in long form as CSV (RFC 4180): a row for each metric and round. */
export function seriesCsv({ id, name, algorithm, series }: RunSeries): string {
  const head = ["run", "name", "algorithm", "metric", "round", "unix_ms", "value"];
  const rows = series.flatMap((one) =>
    one.points.map(({ round, at, value }) => [id, name, algorithm, one.name, round, at, value]),
  );
  return [head.join(","), ...rows.map((row) => row.map(csvCell).join(","))].map((line) => `${line}\r\n`).join("");
}

/** The run as JSON: parameters, tags and the values of each metric. */
export function seriesJson(run: RunSeries): string {
  const { params, tags, ...rest } = run;
  return `${JSON.stringify({ ...rest, params: Object.fromEntries(params), tags: Object.fromEntries(tags) }, null, 2)}\n`;
}
