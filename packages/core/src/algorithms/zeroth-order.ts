import { AnabranchError, add, concat, constant, div, mul, reshape, slice, sub, type Tensor } from "@anabranch/engine";
import { type Layout, layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type { DirectionDraw } from "../seeded/index.ts";
import type { ClientHalf, LocalEnd, ParameterTensors, PayloadSettings } from "./algorithm.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { combine } from "./parameter-tensors.ts";

/** What a client half that measures slopes is made of. */
export interface ZerothOrder {
  /** The direction of each local step. */
  readonly draw: DirectionDraw;
  /** Epsilon: how far from the model losses are taken. */
  readonly perturbation: number;
  /** Whether a step follows its slope; otherwise all slopes are those of the broadcast model. */
  readonly walks: boolean;
  /** What is uploaded of the slopes and the picks of all local steps, [steps] each. */
  upload(slopes: Tensor, picks: Tensor): Readonly<Record<string, ParameterTensors>>;
  /** What the client keeps. */
  keep(local: LocalEnd): Readonly<Record<string, ParameterTensors>>;
}

interface Carry {
  readonly parameters: ParameterTensors;
  readonly slopes: Tensor;
  readonly picks: Tensor;
  readonly [name: string]: ParameterTensors | Tensor;
}

/** Name of the draw. */
const DIRECTION = "direction";

/**
 * Local steps by differences of losses, which need no gradient:
 *   g = (F(w + eps z) - F(w - eps z)) / (2 eps);  w <- w - eta g z where the client walks
 */
export function zerothOrderClient(of: ZerothOrder): ClientHalf {
  const { draw, perturbation: epsilon, walks } = of;
  return {
    draws: { [DIRECTION]: draw },
    begin({ broadcast }, settings): Carry {
      requirePlainSteps(settings);
      const none = constant(new Array<number>(settings.localSteps ?? 1).fill(0));
      return { parameters: broadcast["parameters"]!, slopes: none, picks: none };
    },
    step(carried, local) {
      const { parameters, slopes, picks } = carried as Carry;
      const { direction, pick } = local.draws.direction(DIRECTION);
      const at = (shift: number) => combine((w, z) => add(w, mul(z, shift)), parameters, direction);
      const [above, below] = [local.loss(at(epsilon)), local.loss(at(-epsilon))];
      const slope = div(sub(above, below), 2 * epsilon);
      const move = mul(local.learningRate, slope);
      const next = walks ? combine((w, z) => sub(w, mul(move, z)), parameters, direction) : parameters;
      return {
        carry: { parameters: next, slopes: appended(slopes, slope), picks: appended(picks, pick) },
        loss: div(add(above, below), 2),
      };
    },
    end(carried, local) {
      const { slopes, picks } = carried as Carry;
      return { update: of.upload(slopes, picks), state: of.keep(local) };
    },
  };
}

/** The values but the first, and one more. */
function appended(values: Tensor, value: Tensor): Tensor {
  const length = values.shape[0] as number;
  const last = reshape(value, [1]);
  return length === 1 ? last : concat([slice(values, [1], [length]), last], 0);
}

/** How many rounds the model of a client has behind it: what it need not be sent again. Goes down and is kept. */
export const ROUNDS = "rounds";

/** The layout of that number. */
export const roundsLayout: Layout = layout([{ name: ROUNDS, shape: [], role: "vector", block: ROUNDS }]);

/** The number of a client that has the model of a round's broadcast. */
export function roundsVector(like: Vector, round: number): Vector {
  return zerosLike(like, 1).fill(round - 1);
}

/** What is kept of a round. */
export function keptAfter(round: number): Readonly<Record<string, Vector>> {
  return { [ROUNDS]: roundsVector(new Float64Array(1), round) };
}

/** The number is kept. */
export function received({ broadcast }: Pick<LocalEnd, "broadcast">) {
  return { [ROUNDS]: { [ROUNDS]: add(broadcast[ROUNDS]![ROUNDS]!, 0) } };
}

/** Local steps of every client, of which each sends a number. Throws `config/conflict` where they are not fixed. */
export function requireLocalSteps(name: string, { localSteps }: PayloadSettings): number {
  if (localSteps !== undefined) return localSteps;
  throw new AnabranchError({
    code: "config/conflict",
    message: "conflicting configuration values",
    where: "training.localSteps",
    received: `omitted, with algorithm.name = "${name}"`,
    expected: "the same number for all",
    advice: "Clients send a number for each local step: set training.localSteps instead of training.localEpochs.",
  });
}
