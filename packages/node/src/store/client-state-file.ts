import { type ClientVectors, decodeSealed, encodeSealed, type Vector } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";

const sealedKind = { kind: "client-state", version: "1" };

/** Whose state it is, as the file's metadata say it. */
type Owner = Readonly<Record<string, string>>;

/** The state of a client as a sealed safetensors file. */
export function encodeClientState(
  owner: Owner,
  vectors: ClientVectors,
  allocate?: (byteLength: number) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const tensors = Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data }] as const);
  return encodeSealed(sealedKind, Object.fromEntries(tensors), owner, allocate);
}

/** The state in a file. Throws `client-state/corrupt` where it is none, or another owner's, and as `decodeSealed`. */
export function decodeClientState(bytes: Uint8Array, owner: Owner, path: string, advice: string): ClientVectors {
  const { tensors, metadata } = decodeSealed(sealedKind, bytes, path);
  const vectors = Object.entries(tensors).flatMap(([name, { data }]): [string, Vector][] =>
    data instanceof Float32Array || data instanceof Float64Array ? [[name, data]] : [],
  );
  const keys = Object.keys(owner);
  const whole = vectors.length === Object.keys(tensors).length;
  if (whole && keys.every((key) => metadata[key] === owner[key])) return Object.fromEntries(vectors);
  const written = (of: Owner) => keys.map((key) => `${key} ${of[key]}`).join(", ");
  throw new AnabranchError({
    code: "client-state/corrupt",
    message: `the file holds no state, or that of another ${keys.join(" or ")}`,
    where: path,
    received: written(metadata),
    expected: `${written(owner)}, vectors of floats`,
    advice,
  });
}
