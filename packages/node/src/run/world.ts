import type { Config, CustomParts, PreparedRun, RunPorts } from "@anabranch/core";
import type { RunFolder } from "../store/run-folder.ts";
import type { SimulationOptions } from "./simulation.ts";

/** What the round loop acts on, where that depends on who does the work. */
export type WorldPorts = Pick<
  RunPorts,
  "backend" | "evaluator" | "probe" | "judge" | "trainer" | "adapter" | "secureAggregation" | "clientStates"
>;

/**
 * What does the work of a run: threads of this machine, or clients that join. It is opened before the run has a folder, so
 * that a run that cannot begin leaves none.
 */
export interface World extends PreparedRun {
  /** Whether each event is written to the log at once, for those who follow the run. */
  readonly isFollowed: boolean;
  /** Begins to work for a run, whose folder is locked. Resolves when the first round may begin. */
  enter(run: RunFolder): Promise<WorldPorts>;
  close(): Promise<void>;
}

export type OpenWorld = (config: Config, options: SimulationOptions, own: CustomParts) => Promise<World>;
