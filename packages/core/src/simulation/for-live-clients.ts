import type { Config } from "../config/index.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import type { PreparedRun } from "./prepare.ts";
import { describeMechanism } from "./private-run.ts";
import { describeSecureAggregation } from "./secure-aggregation.ts";

/**
 * The same run with what real clients need in place of what repeats a simulation: noise from the system's secure generator,
 * as noise from the seed would protect nobody who knows it, and integers that stay with the clients.
 */
export function forLiveClients(prepared: PreparedRun, config: Config): PreparedRun {
  const { plan, simulation } = prepared;
  const privacy = plan.stages.privacy && ({ ...plan.stages.privacy, source: { kind: "secure" } } as const);
  const summed = plan.stages.secureAggregation;
  const secureAggregation = summed && ({ ...summed, integers: "kept" } as const);
  const stages: PipelineSettings = { ...plan.stages, privacy, secureAggregation };
  const description = {
    ...plan.description,
    ...(privacy && { privacy: describeMechanism(privacy, config) }),
    ...(secureAggregation && { secureAggregation: describeSecureAggregation(secureAggregation) }),
  };
  return {
    ...prepared,
    plan: { ...plan, stages, description },
    simulation: { ...simulation, task: { ...simulation.task, stages } },
  };
}
