import type { PipelineSettings } from "../pipeline/index.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

/** The world in which the noise of clients comes from keys of the server, as in a simulation. */
export function withSeededNoise({ prepared, parts, ...world }: SimulatedWorld): SimulatedWorld {
  return {
    ...world,
    prepared: { ...prepared, plan: { ...prepared.plan, stages: seeded(prepared.plan.stages) } },
    parts: {
      ...parts,
      openTask(...given) {
        const { task, evaluation } = parts.openTask(...given);
        return { task: { ...task, stages: seeded(task.stages) }, evaluation };
      },
    },
  };
}

function seeded({ secureAggregation, ...stages }: PipelineSettings): PipelineSettings {
  return { ...stages, secureAggregation: secureAggregation && { ...secureAggregation, source: { kind: "seeded" } } };
}
