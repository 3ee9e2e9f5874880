import type { Config } from "../config/index.ts";
import type { PreparedRun } from "./prepare.ts";
import { describeMechanism } from "./private-run.ts";

/**
 * The same run with its noise from the system's secure generator. Noise from the seed repeats a simulation; of clients that
 * are real it would protect nobody who knows the seed. A run without noise is returned as it is.
 */
export function withSecureNoise(prepared: PreparedRun, config: Config): PreparedRun {
  const { plan, simulation } = prepared;
  if (plan.stages.privacy === undefined) return prepared;
  const privacy = { ...plan.stages.privacy, source: { kind: "secure" } } as const;
  const stages = { ...plan.stages, privacy };
  const description = { ...plan.description, privacy: describeMechanism(privacy, config) };
  return {
    ...prepared,
    plan: { ...plan, stages, description },
    simulation: { ...simulation, task: { ...simulation.task, stages } },
  };
}
