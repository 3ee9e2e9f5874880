import { join } from "node:path";
import type { RunStatus } from "@anabranch/core";
import { configDifferences, isReadable, MISSING } from "../report/config-differences.ts";
import { readPlainSync } from "../store/plain-file.ts";
import { largestConfig } from "../store/run-folder.ts";
import type { RunSummary } from "../store/run-summary.ts";
import { readTags } from "../store/run-tags.ts";
import type { SweepMembers } from "../sweep/sweep-members.ts";

/** What `list` sorts by; text and errors ascend, other numbers and times descend. */
export const SORT_KEYS = ["started", "name", "accuracy", "best", "rmse", "rounds", "time", "up"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ListOptions {
  readonly name?: string;
  readonly tag?: string;
  readonly status?: RunStatus;
  readonly last?: number;
  readonly sort?: SortKey;
  readonly all?: boolean;
}

/** A run as it is listed. */
export interface ListedRun extends RunSummary {
  readonly tags: readonly string[];
}

/** A sweep in place of its runs. */
export interface FoldedSweep {
  readonly name: string;
  readonly folder: string;
  readonly runs: number;
  readonly tunings: number;
}

export interface RunList {
  readonly runs: readonly ListedRun[];
  readonly folded: readonly FoldedSweep[];
}

/**
 * The runs that options choose. Those of a finished sweep, and of its tunings, are one entry, unless all runs are asked for or
 * chosen by name, tag or status.
 *
 * @param runs newest first
 */
export function selectRuns(
  runs: readonly RunSummary[],
  sweeps: readonly SweepMembers[],
  options: ListOptions,
): RunList {
  const { name, tag, status, last, sort = "started", all } = options;
  const chosen = name !== undefined || tag !== undefined || status !== undefined;
  const members = new Set(all === true || chosen ? [] : sweeps.flatMap((sweep) => [...sweep.runs, ...sweep.tunings]));
  const tagged = runs.map((run) => ({ ...run, tags: readTags(run.folder) }));
  const found = tagged.filter(
    (run) =>
      !members.has(run.id) &&
      (name === undefined || run.name.toLowerCase().includes(name.toLowerCase())) &&
      (tag === undefined || run.tags.includes(tag)) &&
      (status === undefined || run.status === status),
  );
  const known = new Set(runs.map(({ id }) => id));
  const count = (ids: ReadonlySet<string>) => [...ids].filter((id) => known.has(id)).length;
  const folded =
    members.size === 0
      ? []
      : sweeps.map((sweep) => ({
          name: sweep.name,
          folder: sweep.folder,
          runs: count(sweep.runs),
          tunings: count(new Set([...sweep.tunings].filter((id) => !sweep.runs.has(id)))),
        }));
  return {
    runs: sorted(found, sort).slice(0, last),
    folded: folded.filter((sweep) => sweep.runs + sweep.tunings > 0),
  };
}

function sorted(runs: readonly ListedRun[], key: SortKey): ListedRun[] {
  if (key === "started") return [...runs];
  if (key === "name") return [...runs].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  // of errors the lowest comes first
  const value: Record<Exclude<SortKey, "started" | "name">, (run: RunSummary) => number | null> = {
    accuracy: (run) => run.finalAccuracy,
    best: (run) => run.bestAccuracy,
    rmse: (run) => (run.finalRmse === null ? null : -run.finalRmse),
    rounds: (run) => run.roundsDone,
    time: (run) => run.seconds,
    up: (run) => run.bytesUp,
  };
  const of = (run: RunSummary) => value[key](run) ?? Number.NEGATIVE_INFINITY;
  return [...runs].sort((a, b) => (of(a) === of(b) ? 0 : of(b) > of(a) ? 1 : -1));
}

/** Runs whose configurations are read to tell them apart. */
const MOST_READ = 200;
/** Keys that columns of their own have, or that change no result. */
const SHOWN = /^(?:name|rounds|algorithm\.name|data\.name|execution\..*|checkpoint\..*|diagnostics\..*)$/;

/** For each run the keys whose values are not those of most listed runs, and its seed where seeds differ: `alpha 0.1, seed 2`. */
export function describeDifferences(runs: readonly RunSummary[]): string[] {
  const texts = runs.slice(0, MOST_READ).map(readConfigText);
  const readable = texts.flatMap((text, index) => (isReadable(text) ? [index] : []));
  const rows = configDifferences(readable.map((index) => texts[index]!)).filter(({ key }) => !SHOWN.test(key));
  const parts = runs.map((): string[] => []);
  for (const { key, values } of rows) {
    const counts = Map.groupBy(values, (value) => value);
    const usual = [...counts].reduce((a, b) => (b[1].length > a[1].length ? b : a))[0];
    readable.forEach((index, at) => {
      const value = values[at]!;
      if ((value === usual && key !== "seed") || value === MISSING) return;
      parts[index]!.push(`${key.slice(key.lastIndexOf(".") + 1)} ${value.replace(/^"|"$/g, "")}`);
    });
  }
  return parts.map((part) => part.join(", "));
}

function readConfigText({ folder }: RunSummary): string {
  try {
    return readPlainSync(join(folder, "config.toml"), largestConfig)?.toString("utf8") ?? "";
  } catch {
    return "";
  }
}
