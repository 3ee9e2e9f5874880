import { type Executable, type Executor, loadProgram } from "@anabranch/engine";
import type { TaskSpec } from "./run-client.ts";

/** The programs of a run's tasks, loaded. */
export interface OpenTasks {
  /** What a client of a part runs; the same for all where there is one task. */
  of(part: number | undefined): { readonly spec: TaskSpec; readonly executable: Executable };
  release(): Promise<void>;
}

/** Loads the programs of a task, or of all its tiers, each once. */
export async function openTasks(executor: Executor, task: TaskSpec): Promise<OpenTasks> {
  const { tiers = [task] } = task;
  const loaded = new Map<TaskSpec["program"], Executable>();
  for (const { program } of tiers) if (!loaded.has(program)) loaded.set(program, await loadProgram(executor, program));
  return {
    of(part) {
      const spec = task.tiers?.[part!] ?? task;
      return { spec, executable: loaded.get(spec.program)! };
    },
    async release() {
      for (const executable of loaded.values()) await executable.release();
    },
  };
}
