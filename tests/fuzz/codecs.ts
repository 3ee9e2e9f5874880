import {
  AnabranchError,
  decodePayload,
  decodeVector,
  encodePayload,
  encodeVector,
  layout,
  parseLink,
  randomStream,
  rootKey,
  type Vector,
} from "../../packages/core/src/index.ts";
import type { FuzzedReader } from "./readers.ts";

/** Compressed vectors of what clients and servers send; the first bytes choose how they are read. */

const CHAINS = [
  ["top-k density=0.1"],
  ["top-k density=0.02"],
  ["rand-k density=0.2"],
  ["count-sketch size=0.3"],
  ["srht size=0.3"],
  ["qsgd levels=4 bucket=64"],
  ["qsgd levels=65535"],
  ["qsgd levels=3 coding=fixed"],
  ["natural"],
  ["sign"],
  ["e3m0"],
  ["one-byte"],
  ["non-zeros"],
  ["nf4"],
  ["fedzip keep=0.3"],
  ["fedzip keep=0.02"],
  ["top-k density=0.3", "qsgd levels=4"],
  ["rand-k density=0.5", "top-k density=0.5", "nf4"],
  ["count-sketch size=0.5", "rand-k density=0.5", "natural"],
  ["top-k density=0.9", "fedzip keep=0.1"],
  ["srht size=0.9", "top-k density=0.1", "one-byte"],
].map((chain) => chain.map((text) => parseLink(text)));

const model = layout([
  { name: "bias", shape: [7], role: "vector", block: "a" },
  { name: "kernel", shape: [20, 15], role: "matrix", block: "b" },
]);
const stream = randomStream(rootKey(1));
const vector = Float32Array.from({ length: model.size }, () => (stream.float() - 0.5) ** 3);
const scopes = ["model", "layer"] as const;
const float = (width: number) => (n: number) => (width % 2 === 0 ? new Float32Array(n) : new Float64Array(n));

/** A decoder refuses by its own code, or gives a vector of the layout. */
function checked(decode: () => Vector): void {
  let decoded: Vector;
  try {
    decoded = decode();
  } catch (error) {
    if (error instanceof AnabranchError && error.code !== "update/codec") throw new Error(`refused by ${error.code}`);
    throw error;
  }
  if (decoded.length !== model.size) throw new Error(`${decoded.length} values decoded`);
}

const payloads: FuzzedReader = {
  cases: 100_000,
  samples: CHAINS.flatMap((up, c) =>
    scopes.flatMap((scope, s) =>
      [0, 1].map((width) => {
        const sent = width === 0 ? vector : new Float64Array(vector);
        return Uint8Array.from([c, 2 * s + width, ...encodePayload({ up, scope }, model, sent, rootKey(2))]);
      }),
    ),
  ),
  read([chain = 0, how = 0, ...payload]) {
    const settings = { up: CHAINS[chain % CHAINS.length]!, scope: scopes[(how >>> 1) % 2]! };
    checked(() => decodePayload(settings, model, Uint8Array.from(payload), float(how)));
  },
};

const SPECS = [
  { name: "truncated-svd", energy: 0.9 },
  { name: "truncated-svd", share: 0.3 },
] as const;

/** Vectors of the codecs of matrices, as the bytes of their floats. */
const matrices: FuzzedReader = {
  cases: 20_000,
  samples: SPECS.map((spec, s) => {
    const encoded = encodeVector(spec, model, vector);
    return Uint8Array.from([s, 0, 0, 0, ...new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)]);
  }),
  read(bytes) {
    const body = bytes.slice(4);
    const values = new Float32Array(body.buffer, 0, body.length >>> 2);
    checked(() => decodeVector(SPECS[(bytes[0] ?? 0) % SPECS.length]!, model, values));
  },
};

export const codecReaders: Readonly<Record<string, FuzzedReader>> = {
  "compressed payloads": payloads,
  "coded matrices": matrices,
};
