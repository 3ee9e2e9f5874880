import { decodeVector, encodeVector, encodingFault } from "../codecs/index.ts";
import { isFiniteVector, type Vector } from "../params/vector.ts";
import type { InvalidUpdate, Stage, Update } from "../protocol/index.ts";
import { layoutsOfPart, type Uploads } from "./settings.ts";

/**
 * Encodes the vectors that have a codec and decodes them one update at a time: what was clipped is what the server
 * rebuilds, up to the codec's loss. An encoding that its ranks do not explain, or that is not finite, is refused.
 */
export function codecStage(uploads: Uploads): Stage {
  const each = (update: Update, change: (name: string, vector: Vector) => Vector): Update => {
    const changed = Object.keys(uploads.codecs).map((name) => [name, change(name, update.vectors[name]!)] as const);
    return { ...update, vectors: { ...update.vectors, ...Object.fromEntries(changed) } };
  };
  return {
    name: "codec",
    client: (update, { layouts }) =>
      each(update, (name, vector) => encodeVector(uploads.codecs[name]!, layouts[name]!, vector)),
    receive(update, { part }) {
      const layouts = layoutsOfPart(uploads, part);
      for (const [name, codec] of Object.entries(uploads.codecs)) {
        const fault = encodingFault(codec, layouts[name]!, update.vectors[name]!);
        if (fault === undefined) continue;
        return invalid(`the vector "${name}" is not what ${codec.name} writes: ${fault}`);
      }
      const decoded = each(update, (name, vector) => decodeVector(uploads.codecs[name]!, layouts[name]!, vector));
      // factors that are finite may multiply to something that is not
      const broken = Object.keys(uploads.codecs).find((name) => !isFiniteVector(decoded.vectors[name]!));
      return broken === undefined ? decoded : invalid(`the vector "${broken}" is not finite when it is decoded`);
    },
  };
}

function invalid(message: string): InvalidUpdate {
  return { code: "update/codec", message };
}
