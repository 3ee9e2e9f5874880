import { basename } from "node:path";
import { compareGroups, groupLabel } from "../report/comparison.ts";
import { type ComparisonTable, comparisonTable, endNotes } from "../report/comparison-table.ts";
import { type ConfigDifference, configDifferences } from "../report/config-differences.ts";
import { runLabels } from "../report/labels.ts";
import { type RunData, readRunFolder } from "../report/run-data.ts";
import { classifyEnd } from "../report/run-end.ts";
import { groupBySeed } from "../report/run-groups.ts";

/** Runs side by side. */
export interface ComparedRuns {
  readonly runs: readonly ComparedRun[];
  /** Metrics by configuration, as `anabranch compare` prints them: several seeds share a row. */
  readonly table: ComparisonTable;
  /** Keys whose values differ, with one value for each run. */
  readonly differences: readonly ConfigDifference[];
}

/** The curves of a run. Values are in the order of `rounds`; null: not measured. */
export interface ComparedRun {
  /** Name of its folder. */
  readonly folder: string;
  readonly label: string;
  readonly rounds: readonly number[];
  readonly testLoss: readonly (number | null)[];
  readonly trainLoss: readonly (number | null)[];
  readonly accuracy: readonly (number | null)[];
}

/** Points of a curve at most: more cannot be seen. */
const mostPoints = 1000;

/**
 * @param folders paths of run folders
 * @throws as `readRunFolder`
 */
export function compareFolders(folders: readonly string[]): ComparedRuns {
  const runs = folders.map(readRunFolder);
  const labels = runLabels(runs);
  const groups = groupBySeed(runs);
  const { notes, ...table } = comparisonTable(compareGroups(groups), false);
  const ends = endNotes(groups.map((group) => ({ label: groupLabel(group), ends: group.runs.map(classifyEnd) })));
  return {
    runs: runs.map((run, at) => ({ folder: basename(folders[at]!), label: labels[at]!, ...curvesOf(run) })),
    table: { ...table, notes: [...notes, ...ends] },
    differences: configDifferences(runs.map(({ configText }) => configText)),
  };
}

function curvesOf({ rounds, evaluations }: RunData): Omit<ComparedRun, "folder" | "label"> {
  const trained = new Map(rounds.map((round) => [round.round, round]));
  const evaluated = new Map(evaluations.map((evaluation) => [evaluation.round, evaluation]));
  const all = [...new Set([...trained.keys(), ...evaluated.keys()])].sort((a, b) => a - b);
  const step = Math.ceil(all.length / mostPoints);
  const shown = all.filter((_, at) => (all.length - 1 - at) % step === 0);
  const finite = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : null);
  return {
    rounds: shown,
    testLoss: shown.map((round) => finite(evaluated.get(round)?.loss)),
    trainLoss: shown.map((round) => finite(trained.get(round)?.loss)),
    accuracy: shown.map((round) => finite(evaluated.get(round)?.accuracy)),
  };
}
