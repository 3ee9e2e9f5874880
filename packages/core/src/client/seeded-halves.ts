import type { HostTensors } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Broadcast } from "../protocol/index.ts";
import type { RandomKey } from "../random/index.ts";
import { type Projection, projected, type Replay, Replayer } from "../seeded/index.ts";
import { vectorOutputs } from "./vectors.ts";

/** What a client computes around its program, as plain data. */
export interface SeededHalves {
  /**
   * How the client rebuilds the model, which does not travel, and from where; without a start from the one that it has.
   * Default: the model travels.
   */
  readonly replay?: { readonly rule: Replay; readonly start?: Vector };
  /** Coordinates that are sent in place of what is trained. Default: what is trained is sent. */
  readonly projection?: { readonly rule: Projection; readonly layout: Layout };
}

const replayers = new WeakMap<NonNullable<SeededHalves["replay"]>, Replayer>();
const models = new WeakMap<Broadcast, Vector>();

/** The model that a broadcast stands for, where it is not in it; rebuilt once for all tasks on a broadcast. */
export function rebuiltVectors({ replay }: SeededHalves, broadcast: Broadcast): Readonly<Record<string, Vector>> {
  if (replay?.start === undefined) return {};
  const replayer = replayers.get(replay) ?? new Replayer(replay.rule, replay.start);
  replayers.set(replay, replayer);
  const parameters = models.get(broadcast) ?? replayer.model(broadcast);
  models.set(broadcast, parameters);
  return { parameters };
}

/** The coordinates that are sent in place of what the program trained; undefined: that is sent as it is. */
export function projectedVectors(
  { projection }: SeededHalves,
  outputs: HostTensors,
  of: { readonly round: number; readonly client: number; readonly key: RandomKey },
  allocate: (name: string, length: number) => Vector,
): Record<string, Vector> | undefined {
  if (projection === undefined) return undefined;
  const { rule, layout } = projection;
  const trained = vectorOutputs(outputs, "update", { [rule.from]: layout }, (_, length) => new Float64Array(length));
  const coordinates = projected(rule, trained[rule.from]!, of);
  const sent = allocate(rule.into, coordinates.length);
  sent.set(coordinates);
  return { [rule.into]: sent };
}
