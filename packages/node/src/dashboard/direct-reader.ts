import { findBaselines } from "../report/baselines.ts";
import { readRunFolder } from "../report/run-data.ts";
import { compareFolders } from "./compared-runs.ts";
import type { Reader, ReadTask, ReadTasks } from "./read-tasks.ts";
import { RunsList } from "./runs-list.ts";

type Handlers = { [T in ReadTask]: (input: ReadTasks[T]["input"]) => Promise<ReadTasks[T]["output"]> };

/**
 * Reads run folders in this very process.
 *
 * @param avoided names of runs that are not read
 * @param onRun told which run is read next
 */
export function directReader(avoided: ReadonlySet<string>, onRun: (name: string | undefined) => void): Reader {
  const runsList = new RunsList(avoided, onRun);
  const handlers: Handlers = {
    list: ({ root }) => runsList.read(root),
    compare: async ({ folders }) => compareFolders(folders),
    report: ({ folders }) => reportOf(folders),
  };
  return {
    ask: (task, input) => handlers[task](input),
  };
}

async function reportOf(folders: readonly string[]): Promise<string> {
  // loaded here, as charts are heavy
  const { compareReport, report } = await import("../report/report.ts");
  const runs = folders.map(readRunFolder);
  const [run] = runs;
  if (run === undefined || runs.length > 1) return compareReport(runs);
  return report(
    run,
    (await findBaselines({ folder: folders[0]!, run })).map((found) => found.run),
  );
}
