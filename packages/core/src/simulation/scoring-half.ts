import { type TensorTree, withPrefix } from "@anabranch/engine";
import { observed, type TracedSensitivity, tracedTriplets, unseen } from "../adapters/traced-scores.ts";
import type { ClientHalf, Local, LocalStep, ParameterTensors, TracedVectors } from "../algorithms/algorithm.ts";
import type { AdapterPair } from "../models/model.ts";
import { SCORES } from "./selection-parts.ts";

interface Scoring {
  readonly inner: TensorTree;
  readonly seen: TracedSensitivity;
}

/** The client half with the model put together again, which also scores the gradients that its steps ask for first. */
export function scoringHalf(half: ClientHalf, pairs: readonly AdapterPair[]): ClientHalf {
  const joined = <L extends Local>(local: L): L => {
    const parameters: ParameterTensors = Object.assign({}, ...Object.values(local.broadcast));
    return { ...local, broadcast: { parameters } };
  };
  return {
    ...half,
    ...(half.penalty && { penalty: (batch, local) => half.penalty!(batch, joined(local)) }),
    ...(half.refresh && { refresh: (model, settings) => withPrefix("inner", half.refresh!(model, settings)) }),
    begin(local, settings) {
      const whole = joined(local);
      const carry: Scoring = {
        inner: half.begin(whole, settings),
        seen: unseen(pairs, whole.broadcast["parameters"]!),
      };
      return carry as unknown as TensorTree;
    },
    step(carry, local, settings) {
      const { inner, seen } = carry as unknown as Scoring;
      let next = seen;
      const watched: LocalStep = {
        ...joined(local),
        gradient(parameters) {
          const found = local.gradient(parameters);
          if (next === seen) next = observed(pairs, seen, parameters, found.gradients);
          return found;
        },
      };
      const after = half.step(inner, watched, settings);
      return { carry: { inner: after.carry, seen: next } as unknown as TensorTree, loss: after.loss };
    },
    end(carry, local) {
      const { inner, seen } = carry as unknown as Scoring;
      const { update, state } = half.end(inner, joined(local));
      return { update: { ...update, [SCORES]: tracedTriplets(pairs, seen) } as TracedVectors, state };
    },
  };
}
