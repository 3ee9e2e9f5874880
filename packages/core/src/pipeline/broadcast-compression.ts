import { AnabranchError } from "@anabranch/engine";
import type { Payloads } from "../algorithms/algorithm.ts";
import { decodePayload, encodePayload, FEEDBACK } from "../compression/index.ts";
import { CompressionMeter } from "../metrics/compression-meter.ts";
import type { CompressionLoss } from "../metrics/task-meter.ts";
import { type Layout, layout } from "../params/layout.ts";
import { isFiniteVector, type Vector, zerosLike } from "../params/vector.ts";
import type { Broadcast } from "../protocol/index.ts";
import { deriveKey, type RandomKey } from "../random/index.ts";
import type { DownCompression } from "./settings.ts";

type Vectors = Readonly<Record<string, Vector>>;

/** The messages of a model version. */
export interface BroadcastMessages {
  /** What every client can read. */
  readonly whole: Broadcast;
  /** The same for clients that kept the version before: the compressed difference to it. */
  readonly change?: Broadcast;
  /** The server's replica of what clients have, by the names of `REPLICA`; empty without feedback. */
  readonly memory: Vectors;
}

/** First part of the names under which server and clients keep the replica. */
export const REPLICA = `${FEEDBACK}down/`;
/** Client state: the version whose replica the client has, [1]. */
const VERSION = `${REPLICA}version`;

/**
 * The messages of a version. With "ef21" (EF21-P, the primal form of K. Gruntkowska, A. Tyurin, P. Richtarik, "EF21-P and
 * Friends", ICML 2023, arXiv:2209.15218) all clients train from the replica w <- w + C(x - w), whichever message they get.
 *
 * @param replica the server's replica after the version before; empty at first
 * @param key of the version
 */
export function broadcastMessages(
  settings: DownCompression,
  layouts: Readonly<Record<string, Layout>>,
  broadcast: Broadcast,
  replica: Vectors,
  key: RandomKey,
): BroadcastMessages {
  const encoded: Record<string, Uint8Array> = {};
  const memory: Record<string, Vector> = {};
  const first = Object.keys(replica).length === 0;
  for (const name of settings.vectors) {
    const vector = broadcast.vectors[name]!;
    const base = settings.feedback === "none" || first ? undefined : replica[REPLICA + name]!;
    if (base === undefined && settings.feedback !== "none") {
      memory[REPLICA + name] = vector.slice();
      continue;
    }
    const wanted = base === undefined ? vector : combined(vector, base, -1);
    encoded[name] = encodePayload(chain(settings), layouts[name]!, wanted, deriveKey(key, name));
    if (base !== undefined) memory[REPLICA + name] = moved(settings, layouts[name]!, encoded[name], base);
  }
  const { vectors, ...rest } = broadcast;
  const compressed = { ...rest, vectors: without(vectors, settings.vectors), encoded };
  if (settings.feedback === "none") return { whole: compressed, memory };
  const replicas = Object.fromEntries(settings.vectors.map((name) => [name, memory[REPLICA + name]!]));
  const whole = { ...broadcast, vectors: { ...vectors, ...replicas } };
  return first ? { whole, memory } : { whole, change: compressed, memory };
}

/** What a client trains from, and what it keeps of it by name. */
export interface ReceivedBroadcast {
  readonly vectors: Vectors;
  readonly kept: Vectors;
}

/**
 * The vectors of a broadcast as a client has them. Throws `update/codec` for payloads that no server has written, and
 * `client/state-lost` where the message builds on a version that the client does not have.
 */
export function receivedBroadcast(
  settings: DownCompression | undefined,
  layouts: Readonly<Record<string, Layout>>,
  { round, vectors: plain, encoded }: Broadcast,
  state: Vectors | undefined,
  make: (length: number) => Vector,
): ReceivedBroadcast {
  if (settings === undefined) return { vectors: plain, kept: {} };
  const vectors: Record<string, Vector> = { ...plain };
  for (const [name, payload] of Object.entries(encoded ?? {})) {
    const base = settings.feedback === "none" ? undefined : baseOf(name, round, state);
    if (!settings.vectors.includes(name)) throw unreadable(`"${name}" is not compressed in this run`);
    vectors[name] =
      base === undefined
        ? decodePayload(chain(settings), layouts[name]!, payload, make)
        : moved(settings, layouts[name]!, payload, base);
    if (!isFiniteVector(vectors[name])) throw unreadable(`"${name}" is not finite when it is decoded`);
  }
  if (settings.feedback === "none") return { vectors, kept: {} };
  const replicas = settings.vectors.map((name) => [REPLICA + name, vectors[name]!] as const);
  return { vectors, kept: { ...Object.fromEntries(replicas), [VERSION]: make(1).fill(round) } };
}

/** What the compression of a version loses of its vectors; bytes are those of the message to clients that are up to date. */
export function lossOfBroadcast(
  settings: DownCompression,
  layouts: Readonly<Record<string, Layout>>,
  { vectors }: Broadcast,
  { whole, change = whole }: Pick<BroadcastMessages, "whole" | "change">,
): CompressionLoss | undefined {
  const meter = new CompressionMeter();
  const make = (length: number) => zerosLike(Object.values(vectors)[0]!, length);
  const arrived = receivedBroadcast(settings, layouts, whole, undefined, make).vectors;
  for (const name of settings.vectors) {
    const vector = vectors[name]!;
    meter.add(vector, arrived[name]!, change.encoded?.[name]?.length ?? vector.byteLength);
  }
  return meter.loss;
}

/**
 * Whether a client with this state can read the change to a version.
 *
 * @example
 * ```ts
 * import { hasVersionBefore } from "@anabranch/core";
 * hasVersionBefore(3, { "compression/down/version": Float32Array.of(2) }); // => true
 * ```
 */
export function hasVersionBefore(round: number, state: Vectors | undefined): boolean {
  return state?.[VERSION]?.[0] === round - 1 && round > 1;
}

/** What clients keep of compressed broadcasts. */
export function replicaState(
  settings: DownCompression | undefined,
  { broadcast }: Pick<Payloads, "broadcast">,
): Record<string, Layout> {
  if (settings === undefined || settings.feedback === "none") return {};
  const replicas = settings.vectors.map((name) => [REPLICA + name, broadcast[name]!] as const);
  return { ...Object.fromEntries(replicas), [VERSION]: versionLayout };
}

const versionLayout = layout([{ name: "version", shape: [], role: "vector", block: "version" }]);

function baseOf(name: string, round: number, state: Vectors | undefined): Vector {
  if (hasVersionBefore(round, state)) return state![REPLICA + name]!;
  throw new AnabranchError({
    code: "client/state-lost",
    message: "the broadcast builds on a version that this client does not have",
    where: `round ${round}`,
    received: `version ${state?.[VERSION]?.[0] ?? "none"}`,
    expected: `version ${round - 1}`,
    advice: "Start the client with the folder that it had.",
  });
}

/** base + C(...), in the arithmetic of the run: the same bits on the server and on every client. */
function moved(settings: DownCompression, of: Layout, payload: Uint8Array, base: Vector): Vector {
  const change = decodePayload(chain(settings), of, payload, (length) => zerosLike(base, length));
  return combined(base, change, 1);
}

function combined(a: Vector, b: Vector, sign: 1 | -1): Vector {
  const result = zerosLike(a);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! + sign * b[i]!;
  return result;
}

function chain({ operators, scope }: DownCompression) {
  return { up: operators, scope };
}

function without(vectors: Vectors, names: readonly string[]): Vectors {
  return Object.fromEntries(Object.entries(vectors).filter(([name]) => !names.includes(name)));
}

function unreadable(why: string): AnabranchError {
  return new AnabranchError({
    code: "update/codec",
    message: `a broadcast cannot be read: ${why}`,
    advice: "Both sides must use the same model, method, codec and version.",
  });
}
