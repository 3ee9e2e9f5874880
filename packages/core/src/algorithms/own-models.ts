/** Methods whose clients train models of their own, which nothing averages: what `knfu`, `fedmd` and `fedd2s` share. */
import { add, constant, equal, sgd, takeStep, where } from "@anabranch/engine";
import { type Layout, layout } from "../params/layout.ts";
import type {
  Carried,
  ClientHalf,
  Local,
  LocalEnd,
  ParameterTensors,
  ServerState,
  TracedVectors,
} from "./algorithm.ts";
import type { SgdCarry } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";
import { combine } from "./parameter-tensors.ts";

/** What clients keep. */
const [OWN, VISITS] = ["model", "visits"] as const;

/** A vector with one entry, both of this name. */
export function oneEntry(name: string, shape: readonly number[]): Layout {
  return layout([{ name, shape, role: "vector", block: name }]);
}

/** What clients keep: their model, and how often they have trained. */
export const ownModelState = (model: Layout) => ({ [OWN]: model, [VISITS]: oneEntry(VISITS, []) });

/** The parts of a method that follow from it. */
export const ownModels = {
  privateModels: true,
  ownModel: (_global, kept) => kept?.[OWN],
  init: (parameters) => ({ vectors: { parameters }, scalars: {} }),
  // a client has its own model after its first visit
  messageTo: (_state, { vectors }, kept) => ({ vectors: kept === undefined ? vectors : withoutModel(vectors) }),
} satisfies Partial<MethodBody>;

function withoutModel({ parameters: _first, ...others }: Carried["vectors"]): Carried["vectors"] {
  return others;
}

/** The state after a round: the first model stays as it is. */
export function withVectors({ vectors, scalars }: ServerState, next: Omit<ServerState["vectors"], "parameters">) {
  return { scalars, vectors: { ...vectors, ...next } };
}

/** What differs between methods of own models. */
export interface OwnModelRule extends Pick<ClientHalf, "penalty"> {
  /** The model that local steps begin with, from the one that the client keeps. Default: the same. */
  start?(own: ParameterTensors, local: Local): ParameterTensors;
  /** What a client sends of the model that it has trained. */
  send(own: ParameterTensors, local: LocalEnd): TracedVectors;
}

/** K steps of local SGD on a client's own model; at its first visit that is the model which all receive. */
export function ownModelSgd({ start = (own) => own, send, penalty }: OwnModelRule): ClientHalf {
  const half: ClientHalf<Local["broadcast"], Local["state"], Local["sent"], SgdCarry> = {
    ...(penalty && { penalty }),
    begin(local, settings) {
      const [received, kept] = [local.broadcast["parameters"]!, local.state[OWN]!];
      const isNew = equal(local.state[VISITS]![VISITS]!, 0);
      const own = combine((mine, first) => where(isNew, first, mine), kept, received);
      const parameters = start(own, local);
      return { parameters, optimizer: sgd(settings).init(parameters) };
    },
    step({ parameters, optimizer }, local, settings) {
      const { loss, gradients } = local.gradient(parameters);
      const next = takeStep(sgd(settings), gradients, optimizer, parameters, local);
      return { carry: { parameters: next.parameters as ParameterTensors, optimizer: next.state }, loss };
    },
    end({ parameters }, local) {
      const visits = add(local.state[VISITS]![VISITS]!, constant(1));
      return { update: send(parameters, local), state: { [OWN]: parameters, [VISITS]: { [VISITS]: visits } } };
    },
  };
  return half as unknown as ClientHalf;
}
