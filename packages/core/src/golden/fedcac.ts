import * as z from "zod";
import { mixCritical } from "../aggregation/critical-parameters.ts";
import { fedcac } from "../algorithms/fedcac.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";
import { flatten, layoutOf, tensors, unflatten } from "./tensors.ts";

const serverInput = z.strictObject({
  starts: z.array(tensors).min(1),
  trained: z.array(tensors).min(1),
  samples: z.array(z.number().positive()).optional(),
  criticalFraction: z.number().min(0).max(1),
  beta: z.number().positive(),
  round: z.int().min(0),
});

/** Masks, overlaps, collaborators and what clients start from next, of named tensors. */
export const fedcacServer: Operation = {
  async run(input) {
    const { starts, trained, samples, criticalFraction: fraction, beta, round } = serverInput.parse(input);
    const like = trained[0]!;
    const layout = layoutOf(like);
    const flat = (models: typeof starts) => models.map((model) => flatten(model, layout));
    const named = (models: readonly ArrayLike<number>[]) => models.map((model) => unflatten(model, layout, like));
    const weights = samples ?? trained.map(() => 1);
    const global = new Float64Array(layout.size);
    const models = { starts: flat(starts), trained: flat(trained), weights, global, layout };
    const mixed = mixCritical({ ...models, fraction, beta, round });
    const { overlaps, threshold, collaborators } = mixed;
    return {
      masks: named(mixed.masks),
      ...{ overlaps, threshold, collaborators },
      globalModel: unflatten(mixed.global, layout, like),
      customised: named(mixed.customised),
      nextStarts: named(mixed.nextStarts),
    };
  },
};

const traceInput = z.strictObject({
  ...localProblem,
  cohorts: clientLists,
  algorithm: z.looseObject({ name: z.literal(fedcac.definition.name) }),
});

/** `rounds`: the global model; `clients`: models after local training. */
export const fedcacTrace: Operation = {
  async run(input) {
    const { algorithm, ...problem } = traceInput.parse(input);
    const { name, ...options } = algorithm;
    const { rounds, trained } = await traceFederation(createAlgorithm(name, options), problem);
    return { rounds, clients: trained.map((models) => problem.a.map((_, client) => models.get(client) ?? null)) };
  },
};
