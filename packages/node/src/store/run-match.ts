import { basename, resolve } from "node:path";
import { editDistance } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import type { RunSummary } from "./run-summary.ts";

/**
 * The run that a user means: "last", an id, a folder, a run's name, or the beginning of an id or folder name. An exact
 * match counts before a beginning.
 *
 * @param runs newest first
 * @param root where the runs lie, for errors
 * @throws `run/not-found` with the nearest ids, `run/ambiguous` with the candidates
 */
export function matchRun(runs: readonly RunSummary[], text: string, root: string): RunSummary {
  const wanted = text.trim();
  if (wanted === "last" && runs[0] !== undefined) return runs[0];
  const rules: ((run: RunSummary) => boolean)[] = [
    (run) => run.folder === resolve(wanted),
    (run) => run.id === wanted || basename(run.folder) === wanted,
    (run) => run.name === wanted,
    (run) => wanted !== "" && (run.id.startsWith(wanted) || basename(run.folder).startsWith(wanted)),
  ];
  for (const rule of rules) {
    const found = runs.filter(rule);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) throw ambiguous(found, text);
  }
  throw notFound(runs, text, root);
}

function ambiguous(found: readonly RunSummary[], text: string): AnabranchError {
  return new AnabranchError({
    code: "run/ambiguous",
    message: `${found.length} runs fit`,
    received: JSON.stringify(text),
    expected: `one of ${some(found.map(label))}`,
    advice: "Give more of the id.",
  });
}

function notFound(runs: readonly RunSummary[], text: string, root: string): AnabranchError {
  const nearest = nearestRuns(runs, text.trim());
  return new AnabranchError({
    code: "run/not-found",
    message: "there is no such run",
    where: root,
    received: JSON.stringify(text),
    ...(nearest.length > 0 && { expected: `an id, a name or a folder, such as ${nearest.map(label).join(", ")}` }),
    advice:
      runs.length === 0
        ? "There are no runs in this folder yet. Start one with: anabranch run FILE"
        : "List all runs with: anabranch list",
  });
}

/** The runs whose id or name takes the fewest changes to reach. */
function nearestRuns(runs: readonly RunSummary[], text: string): RunSummary[] {
  const distance = (run: RunSummary) => Math.min(editDistance(run.id, text), editDistance(run.name, text));
  return runs
    .map((run) => ({ run, distance: distance(run) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ run }) => run);
}

function label(run: RunSummary): string {
  return `${run.id} (${run.name})`;
}

function some(labels: readonly string[]): string {
  return labels.length <= 5 ? labels.join(", ") : `${labels.slice(0, 5).join(", ")}, ...`;
}
