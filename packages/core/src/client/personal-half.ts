import { type OptimizerState, scan, sgd, type TensorTree, takeStep, withPrefix } from "@anabranch/engine";
import type { ClientHalf, LocalSettings, LocalStep, ParameterTensors } from "../algorithms/algorithm.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import { withParametersBeside } from "./parameters-beside.ts";
import type { StepInputs } from "./step-gradients.ts";

/** Name of the client state that holds a client's personal parameters. */
export const PERSONAL = "personal";

/** What the loop carries: the method's own, and the personal parameters with the state of their optimizer. */
type Carry = { readonly method: TensorTree; readonly personal: ParameterTensors; readonly optimizer: OptimizerState };

/**
 * A client half that knows the shared parameters alone, as one that trains the personal parameters beside them: its
 * gradients are taken of the whole model, and the first of a step moves the personal parameters by local SGD. So every
 * method can have personal layers. Frozen parameters are no concern of it: the model fills them in.
 *
 * @param together false: local steps leave the personal parameters as they are
 */
export function withPersonal(half: ClientHalf, personal: Layout, together: boolean): ClientHalf {
  const names = Object.keys(entryTypes(personal));
  const own = (all: ParameterTensors) => Object.fromEntries(names.map((name) => [name, all[name]!]));
  const inner = <L extends { readonly state: Readonly<Record<string, ParameterTensors>> }>(local: L): L => {
    const { [PERSONAL]: _own, ...state } = local.state;
    return { ...local, state };
  };
  const { refresh } = half;
  return {
    ...half,
    begin(local, settings) {
      const kept = local.state[PERSONAL]!;
      return { method: half.begin(inner(local), settings), personal: kept, optimizer: sgd(settings).init(kept) };
    },
    step(carry, local, settings) {
      const { method, personal: kept, optimizer } = carry as Carry;
      let first: ParameterTensors | undefined;
      const watched: LocalStep = {
        ...inner(local),
        gradient(parameters) {
          const found = local.gradient(parameters);
          if (together) first ??= own(found.gradients);
          return found;
        },
      };
      const next = half.step(method, withParametersBeside(watched, kept), settings);
      const moved = first && takeStep(sgd(settings), first, optimizer, kept, local);
      return {
        carry: { method: next.carry, personal: moved?.parameters ?? kept, optimizer: moved?.state ?? optimizer },
        loss: next.loss,
      };
    },
    end(carry, local) {
      const { method, personal: kept } = carry as Carry;
      const { update, state } = half.end(method, inner(local));
      return { update, state: { ...state, [PERSONAL]: kept } };
    },
    ...(refresh === undefined
      ? {}
      : { refresh: (model, settings) => withPrefix("method", half.refresh!(model, settings)) }),
  };
}

/** Steps that train personal parameters alone, under the shared ones as received. */
export function personalSteps(
  start: ParameterTensors,
  steps: TensorTree,
  settings: LocalSettings,
  gradient: (personal: ParameterTensors, step: StepInputs) => ParameterTensors,
): ParameterTensors {
  const rule = sgd(settings);
  const { carry } = scan(
    (held: Pick<Carry, "personal" | "optimizer">, slice: TensorTree) => {
      const step = slice as unknown as StepInputs;
      const next = takeStep(rule, gradient(held.personal, step), held.optimizer, held.personal, step);
      return { carry: { personal: next.parameters, optimizer: next.state }, output: {} };
    },
    { personal: start, optimizer: rule.init(start) },
    steps,
  );
  return carry.personal;
}
