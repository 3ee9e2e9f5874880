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
  };
  return {
    ask: (task, input) => handlers[task](input),
  };
}
