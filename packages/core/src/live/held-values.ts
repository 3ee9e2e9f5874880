import { AnabranchError } from "@anabranch/engine";
import { entryView, type Layout } from "../params/layout.ts";
import type { HeldParameters } from "../params/standing.ts";
import { isVector, type Vector, zerosLike } from "../params/vector.ts";
import { decodeSafetensors, encodeSafetensors } from "../protocol/index.ts";

/**
 * The values of parameters that do not travel, as a file that every client fetches once: they come from a file of the
 * operator, so that no client could derive them.
 */
export function encodeHeld({ split, personal, frozen }: HeldParameters): Uint8Array {
  const tensors = (part: Layout, values: Vector) =>
    part.entries.map((entry) => [entry.name, { shape: [...entry.shape], data: entryView(values, entry) }] as const);
  return encodeSafetensors(
    Object.fromEntries([...tensors(split.personal, personal), ...tensors(split.frozen, frozen)]),
  );
}

/** What `encodeHeld` has written, in the number format of the run. Throws `live/message` where it is for other parameters. */
export function decodeHeld(bytes: Uint8Array, split: HeldParameters["split"], like: Vector): HeldParameters {
  const { tensors } = decodeSafetensors(bytes, "the initial weights that the server has sent");
  const read = (part: Layout) => {
    const values = zerosLike(like, part.size);
    for (const entry of part.entries) {
      const data = Object.hasOwn(tensors, entry.name) ? tensors[entry.name]!.data : undefined;
      if (!isVector(data) || data.length !== entry.size) throw otherValues(entry.name);
      entryView(values, entry).set(data);
    }
    return values;
  };
  return { split, personal: read(split.personal), frozen: read(split.frozen) };
}

function otherValues(name: string): AnabranchError {
  return new AnabranchError({
    code: "live/message",
    message: "the initial weights that the server has sent are not those of its model",
    where: name,
    advice: "Check that server and client have the same version of Anabranch.",
  });
}
