import { type OptimizerState, sgd, type TensorTree, takeStep, withPrefix } from "@anabranch/engine";
import type { ClientHalf, Local, LocalStep, ParameterTensors } from "../algorithms/algorithm.ts";
import type { PersonalParameters } from "../algorithms/needs.ts";
import { clippedTogether } from "../heterogeneity/clipped-together.ts";
import type { Layout } from "../params/layout.ts";
import { type ParameterSplit, selectEntries } from "../params/standing.ts";
import { isStatistic, weightsOf } from "../params/statistics.ts";
import { movedStatistics } from "./moved-statistics.ts";
import { endBeside, withParametersBeside } from "./parameters-beside.ts";

/** Name of the client state that holds a client's personal parameters. */
export const PERSONAL = "personal";

/** What the loop carries: the method's own, and the personal parameters with the state of their optimizer. */
type Carry = { readonly method: TensorTree; readonly personal: ParameterTensors; readonly optimizer: OptimizerState };

/**
 * A client half that knows the shared parameters alone, as one that trains the personal parameters beside them: its
 * gradients are taken of the whole model, and the first of a step moves the personal parameters by local SGD. So every
 * method can have personal layers. Personal running statistics follow the batches of the local steps. Frozen parameters are no concern of it: the model fills them in.
 *
 * @param first weights that local steps leave as they are
 * @param clip bound of the gradient that moves the others
 */
export function withPersonal(
  half: ClientHalf,
  personal: Layout,
  { first: still, clip }: { readonly first: ReadonlySet<string>; readonly clip?: number | undefined },
): ClientHalf {
  const weights = weightsOf(personal).entries.map(({ name }) => name);
  const names = weights.filter((name) => !still.has(name));
  const statistics = personal.entries.filter(isStatistic).map(({ name }) => name);
  const own = (all: ParameterTensors) => pick(all, names);
  const inner = <L extends Local>(local: L, kept: ParameterTensors): L => {
    const { [PERSONAL]: _own, ...state } = local.state;
    return { ...local, state, publicOutputs: (parameters) => local.publicOutputs({ ...parameters, ...kept }) };
  };
  const { refresh } = half;
  return {
    ...half,
    begin(local, settings) {
      const kept = local.state[PERSONAL]!;
      const method = half.begin(inner(local, kept), settings);
      return { method, personal: kept, optimizer: sgd(settings).init(own(kept)) };
    },
    step(carry, local, settings) {
      const { method, personal: kept, optimizer } = carry as Carry;
      let first: ParameterTensors | undefined;
      const followed = movedStatistics(inner(local, kept), pick(kept, statistics));
      const watched: LocalStep = {
        ...followed.local,
        gradient(parameters) {
          const found = followed.local.gradient(parameters);
          if (names.length > 0) first ??= clippedTogether(own(found.gradients), clip);
          return found;
        },
      };
      const next = half.step(method, withParametersBeside(watched, kept), settings);
      const moved = first && takeStep(sgd(settings), first, optimizer, own(kept), local);
      const trained = { ...kept, ...moved?.parameters, ...followed.after() };
      return {
        carry: { method: next.carry, personal: trained, optimizer: moved?.state ?? optimizer },
        loss: next.loss,
      };
    },
    end(carry, local) {
      const { method, personal: kept } = carry as Carry;
      const { update, state } = half.end(method, endBeside(inner(local, kept), kept));
      return { update, state: { ...state, [PERSONAL]: kept } };
    },
    ...(refresh === undefined
      ? {}
      : { refresh: (model, settings) => withPrefix("method", half.refresh!(model, settings)) }),
  };
}

function pick(all: ParameterTensors, names: readonly string[]): ParameterTensors {
  return Object.fromEntries(names.map((name) => [name, all[name]!]));
}

/** Names of the personal weights that do not move with the local steps, as they train before them. */
export function namesThatTrainFirst(
  { train = "together", first }: Partial<PersonalParameters> = {},
  { personal }: ParameterSplit,
): ReadonlySet<string> {
  const weights = weightsOf(personal);
  if (train === "together" || weights.size === 0) return new Set();
  return selectEntries(weights, first ?? ["*"], "the parameters of the method that train first");
}
