import type { ParameterTensors, TracedVectors } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";

/** The model of some of its parameters; others are as given. */
export function withValues(model: Model, values: ParameterTensors): Model {
  return { ...model, forward: (trained, ...given) => model.forward({ ...values, ...trained }, ...given) };
}

/** The model of the parameters that a client trains. Layers with frozen statistics use them in training, too. */
export function withFrozen(model: Model, frozen: ParameterTensors | undefined): Model {
  if (frozen === undefined) return model;
  const fixed = new Set(Object.keys(frozen));
  return {
    ...model,
    forward: (trained, features, context) =>
      model.forward({ ...trained, ...frozen }, features, {
        ...context,
        ...(context?.batch && { batch: { ...context.batch, fixed } }),
      }),
  };
}

/** The model that is also given what the client has received, where it asks for such. */
export function withReceived(model: Model, broadcast: TracedVectors): Model {
  if (model.received === undefined) return model;
  const names = Object.entries(model.received);
  return withValues(
    model,
    Object.fromEntries(names.map(([as, { vector, entry }]) => [as, broadcast[vector]![entry]!])),
  );
}
