import type { Vector } from "../params/vector.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import {
  decodeIntegers,
  encodeIntegers,
  INTEGERS,
  integerKeys,
  integerRange,
  rotationKey,
  type SecureAggregationSettings,
} from "../privacy/secure-aggregation-encoding/index.ts";
import type { Stage } from "../protocol/index.ts";

/** Turns an update into integers that secure aggregation can add, and their sum into what the method is given. */
export function integerStage(settings: SecureAggregationSettings, make: (length: number) => Vector): Stage {
  const { maximum } = integerRange(settings);
  return {
    name: "integers",
    keys: integerKeys(settings),
    client: (update, { scalars, keys }) => encodeIntegers(settings, update, scalars[CLIP_NORM], keys),
    receive(update) {
      if (settings.integers === "kept") return update;
      const integers = update.vectors[INTEGERS]!;
      if (integers.every((value) => Number.isInteger(value) && value >= 0 && value <= maximum)) return update;
      return { code: "update/integers", message: `an update holds integers from 0 to ${maximum}` };
    },
    server({ vectors, state }, { round, scalars, participants, key }) {
      const { vector, size } = settings;
      const sum = Uint32Array.from(vectors[INTEGERS]!);
      const about = { survivors: participants, clipNorm: scalars[CLIP_NORM], rotation: rotationKey(round, key) };
      const out = make(size);
      decodeIntegers(settings, sum, about, out);
      return { vectors: { [vector]: out }, state };
    },
  };
}
