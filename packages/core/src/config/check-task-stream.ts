import { checkUnused, conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/** Refuses a stream of tasks that a run cannot have. Throws `config/conflict`. */
export function checkTaskStream(config: Config, locate: Locate): void {
  const { taskStream, rounds, data, training, diagnostics } = config;
  const { kind, tasks, roundsPerTask } = taskStream;
  if (kind === "none") {
    checkUnused(config, ["taskStream", "kind"], {}, "Set taskStream.kind, or remove this key.", locate);
    return;
  }
  if (tasks * roundsPerTask > rounds)
    throw conflict(
      locate(["taskStream", "tasks"]),
      `${tasks} tasks of ${roundsPerTask} round(s)`,
      `at most rounds = ${rounds} in all`,
      `Set rounds = ${tasks * roundsPerTask}, or lower taskStream.roundsPerTask.`,
    );
  const shown = `with taskStream.kind = "${kind}"`;
  if (data.dataset === "synthetic" && data.file === undefined)
    throw conflict(
      locate(["data", "dataset"]),
      `"synthetic", ${shown}`,
      "a data set in memory",
      "Synthetic clients are computed one by one, and have one task.",
    );
  if (data.holdout > 0)
    throw conflict(
      locate(["data", "holdout"]),
      `${data.holdout}, ${shown}`,
      "0",
      "Tasks are evaluated on the test set alone. Set data.holdout = 0.",
    );
  if (data.publicExamples !== undefined)
    throw conflict(
      locate(["data", "publicExamples"]),
      `${data.publicExamples}, ${shown}`,
      "nothing",
      "Public examples are of no task. Remove data.publicExamples, and choose a method without them.",
    );
  if (training.upSampling.rounds > 0)
    throw conflict(
      locate(["training", "upSampling", "rounds"]),
      `${training.upSampling.rounds}, ${shown}`,
      "0",
      "Clients would repeat examples of the first task in all others.",
    );
  if (diagnostics.flatness)
    throw conflict(
      locate(["diagnostics", "flatness"]),
      `true, ${shown}`,
      "false",
      "It looks at the same examples in every round, and those of tasks differ.",
    );
}
