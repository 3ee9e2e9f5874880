import * as z from "zod";
import { fold } from "../aggregation/index.ts";
import { fedlex, guidanceFrom } from "../algorithms/fedlex.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";
import { flatten, layoutOf, type Tensors, tensors, unflatten } from "./tensors.ts";

const guidanceInput = z.strictObject({ start: tensors, explorers: z.array(tensors).min(1) });

/** `guidance`: G of named tensors from models of explorers. */
export const fedlexGuidance: Operation = {
  async run(input) {
    const { start, explorers } = guidanceInput.parse(input);
    const model = layoutOf(start);
    const flat = guidanceFrom(explorationMean(start, explorers, model), model);
    return { guidance: unflatten(flat, model, start) };
  },
};

/** How far explorers moved each coordinate, squared, [d]. */
export function explorationMean(start: Tensors, explorers: readonly Tensors[], model: Layout): Vector {
  const from = flatten(start, model);
  const mean = fold("uniformMean", model.size);
  for (const explorer of explorers) {
    const squares = flatten(explorer, model).map((y, i) => (y - from[i]!) ** 2);
    mean.add(squares, 1);
  }
  return mean.result(new Float64Array(model.size));
}

const traceInput = z.strictObject({
  ...localProblem,
  cohorts: clientLists,
  algorithm: z.strictObject({
    name: z.literal("fedlex").optional(),
    explorers: z.array(z.int().min(0)).min(1),
    explorationSteps: z.int().positive(),
    serverLearningRate: z.number().positive().optional(),
  }),
});

/** `rounds` after the exploration, which has a number of local steps of its own, and `guidance`. */
export const fedlexTrace: Operation = {
  async run(input) {
    const { algorithm, cohorts, ...problem } = traceInput.parse(input);
    const { name: _name, explorers, explorationSteps, ...options } = algorithm;
    const method = fedlex(options);
    const exploration = { ...problem, localSteps: explorationSteps, cohorts: [explorers] };
    const { server } = await traceFederation(method, exploration);
    // round 1 of the second part is another exploration by nobody
    const { rounds } = await traceFederation(method, { ...problem, cohorts: [[], ...cohorts] }, { server });
    return { rounds: rounds.slice(1), guidance: Array.from(server.vectors["guidance"]!) };
  },
};
