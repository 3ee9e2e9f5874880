import * as z from "zod";
import type { Vector } from "../params/index.ts";
import { decodeSealed, encodeSealed, type SafetensorsFile, type SafetensorsTensor } from "../protocol/index.ts";
import { damaged } from "../protocol/sealed.ts";
import type { ScheduleState } from "../schedule/index.ts";
import type { SelectionMemory } from "../selection/feedback.ts";
import type { ClientStates } from "./client-state.ts";
import type { Trouble } from "./trouble.ts";

const FILE = { kind: "checkpoint", version: "1" };

/** Sums and marks over the rounds so far. */
export interface RunTotals {
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
  /**
   * The best evaluation: `score` is the test accuracy, or minus the loss where numbers are predicted. `round` is 0 where
   * nothing was evaluated. `stale`: evaluations since then.
   */
  readonly best: { readonly round: number; readonly score: number; readonly stale: number };
  /** The newest evaluation; null for numbers that were not finite. */
  readonly last?: { readonly loss: number | null; readonly accuracy: number | null };
  /** Of a stream of tasks: the accuracy on each right after it was learned. */
  readonly learned?: readonly (number | null)[] | undefined;
  /** What is wrong after the newest round. */
  readonly trouble?: Trouble | undefined;
}

/** Work that a later round will take up. */
export interface UnfinishedWork {
  /** Instant of the newest event, in microseconds. */
  readonly time: number;
  readonly schedule: ScheduleState;
  /** What a sampler with feedback remembers. */
  readonly selection?: SelectionMemory | undefined;
  /** Orders given out and not come back: whose, on which version, and when they arrive. */
  readonly outstanding: readonly {
    readonly client: number;
    readonly version: number;
    readonly visit: number;
    readonly arrives: number;
    /** Local steps, where the schedule sets them for each client. */
    readonly steps?: number | undefined;
  }[];
}

/** Everything a run needs to go on after `round`, bit for bit. */
export interface Checkpoint {
  /** Version of the file format. */
  readonly version: 1;
  /** Version of Anabranch that wrote it; another one may train other bits. */
  readonly packageVersion: string;
  readonly configHash: string;
  readonly dataHash: string;
  /** Name, version and fingerprint of what computed; another one gives other last bits. */
  readonly executor: string;
  /** The last finished round, 1-based; 0 before the first. */
  readonly round: number;
  readonly algorithm: string;
  readonly layoutHash: string;
  readonly serverState: {
    readonly vectors: Readonly<Record<string, Vector>>;
    readonly scalars: Readonly<Record<string, number>>;
  };
  readonly clientStates: ClientStates;
  readonly totals: RunTotals;
  /** What a schedule that looks beyond its round has under way; absent where nothing is. */
  readonly work?: UnfinishedWork | undefined;
  /** The generator is counter-based: seed and round are its position. */
  readonly generator: { readonly seed: number };
}

/**
 * One file: sealed safetensors. Numbers come back exactly, NaN and infinities included.
 *
 * @example
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@anabranch/core";
 * const best = { round: 0, score: 0, stale: 0 };
 * const bytes = encodeCheckpoint({
 *   ...{ version: 1, packageVersion: "0.1.0", configHash: "c", dataHash: "d", executor: "interpreter 1" },
 *   ...{ round: 7, algorithm: "fedavg", layoutHash: "l", generator: { seed: 1 } },
 *   serverState: { vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} },
 *   clientStates: { kind: "inline", states: [] },
 *   totals: { bytesDown: 0, bytesUp: 0, seconds: 0, best },
 * });
 * decodeCheckpoint(bytes, "example").serverState.vectors; // => { parameters: [1, 2] }
 * ```
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { tensors, body } = checkpointContents(checkpoint);
  return encodeSealed(FILE, tensors, { body: JSON.stringify(body) });
}

/**
 * Reads a checkpoint; its seal detects damage, not tampering. Throws `checkpoint/truncated`, `checkpoint/corrupt` or `checkpoint/version`.
 *
 * @example
 * ```ts
 * import { AnabranchError, decodeCheckpoint } from "@anabranch/core";
 * let code: string | undefined;
 * try {
 *   decodeCheckpoint(new Uint8Array(3), "checkpoints/round-7.safetensors");
 * } catch (error) {
 *   if (error instanceof AnabranchError) code = error.code;
 * }
 * code; // => "checkpoint/truncated"
 * ```
 */
export function decodeCheckpoint(bytes: Uint8Array, where: string): Checkpoint {
  return checkpointFrom(decodeSealed(FILE, bytes, where), where);
}

const SERVER = "server/";
const CLIENT = "client/";

const bodySchema = z.strictObject({
  packageVersion: z.string(),
  configHash: z.string(),
  dataHash: z.string(),
  executor: z.string(),
  round: z.int().nonnegative(),
  algorithm: z.string(),
  layoutHash: z.string(),
  seed: z.int(),
  /** Names of the server's scalars, in the order of the tensor "scalars". */
  scalars: z.array(z.string()),
  clientStates: z.enum(["inline", "versions"]),
  evaluated: z.boolean(),
  learned: z.array(z.number().nullable()).optional(),
  trouble: z
    .strictObject({
      kind: z.enum(["model", "clients", "unreleased"]),
      rounds: z.int().positive(),
      reason: z.enum(["diverged", "clients-failed"]),
      message: z.string(),
    })
    .optional(),
  work: z
    .strictObject({
      time: z.int().nonnegative(),
      schedule: z.record(z.string(), z.array(z.number())),
      selection: z.record(z.string(), z.array(z.number())).optional(),
      outstanding: z.array(
        z.strictObject({
          client: z.int().nonnegative(),
          version: z.int().nonnegative(),
          visit: z.int().nonnegative(),
          arrives: z.int().nonnegative(),
          steps: z.int().positive().optional(),
        }),
      ),
    })
    .optional(),
});
type Body = z.output<typeof bodySchema>;

type Tensors = Record<string, SafetensorsTensor>;

/** A checkpoint as tensors (all numbers that must come back exactly) and a small JSON body. */
export function checkpointContents(checkpoint: Checkpoint): { tensors: Tensors; body: Body } {
  const { packageVersion, configHash, dataHash, executor, round, algorithm, layoutHash } = checkpoint;
  const { serverState, totals, work } = checkpoint;
  const scalars = Object.entries(serverState.scalars).sort(([a], [b]) => (a < b ? -1 : 1));
  const tensors: Tensors = {
    scalars: float64s(scalars.map(([, value]) => value)),
    totals: float64s(totalsToNumbers(totals)),
    ...clientTensors(checkpoint.clientStates),
  };
  for (const [name, vector] of Object.entries(serverState.vectors)) tensors[SERVER + name] = flat(vector);
  const body = {
    ...{ packageVersion, configHash, dataHash, executor, round, algorithm, layoutHash },
    seed: checkpoint.generator.seed,
    scalars: scalars.map(([name]) => name),
    clientStates: checkpoint.clientStates.kind,
    evaluated: totals.last !== undefined,
    ...(totals.learned === undefined ? {} : { learned: [...totals.learned] }),
    ...(totals.trouble === undefined ? {} : { trouble: totals.trouble }),
    ...(work === undefined ? {} : { work: structuredClone(work) as NonNullable<Body["work"]> }),
  };
  return { tensors, body };
}

/** The checkpoint of a file whose seal is whole. Throws `checkpoint/corrupt` where its parts do not fit together. */
function checkpointFrom({ tensors, metadata }: SafetensorsFile, where: string): Checkpoint {
  const { seed, scalars, clientStates, evaluated, learned, trouble, ...rest } = readBody(metadata.body, where);
  const values = numbers(tensors, "scalars", scalars.length, where);
  return {
    version: 1,
    ...rest,
    serverState: {
      vectors: vectorsUnder(tensors, SERVER, where),
      scalars: Object.fromEntries(scalars.map((name, i) => [name, values[i]!])),
    },
    clientStates: clientStates === "inline" ? readInline(tensors, where) : readVersions(tensors, where),
    totals: {
      ...numbersToTotals(numbers(tensors, "totals", TOTALS, where), evaluated),
      ...(learned === undefined ? {} : { learned }),
      ...(trouble === undefined ? {} : { trouble }),
    },
    generator: { seed },
  };
}

function readBody(json: string | undefined, where: string): Body {
  try {
    return bodySchema.parse(JSON.parse(json ?? ""));
  } catch (cause) {
    throw damaged("checkpoint", where, "its description cannot be read", json?.slice(0, 80), undefined, cause);
  }
}

const TOTALS = 8;

function totalsToNumbers({ bytesDown, bytesUp, seconds, best, last }: RunTotals): number[] {
  const { loss, accuracy } = last ?? { loss: null, accuracy: null };
  const evaluation = [loss ?? Number.NaN, accuracy ?? Number.NaN];
  return [bytesDown, bytesUp, seconds, best.round, best.score, best.stale, ...evaluation];
}

function numbersToTotals(values: Float64Array, evaluated: boolean): RunTotals {
  const [bytesDown, bytesUp, seconds, round, score, stale, loss, lastAccuracy] = values as unknown as number[];
  const orNull = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    bytesDown: bytesDown!,
    bytesUp: bytesUp!,
    seconds: seconds!,
    best: { round: round!, score: score!, stale: stale! },
    ...(evaluated ? { last: { loss: orNull(loss!), accuracy: orNull(lastAccuracy!) } } : {}),
  };
}

/** Inline: "clients" [n] and one tensor for each vector. Versions: "clients" [n, 2] of client and round. */
function clientTensors(states: ClientStates): Tensors {
  if (states.kind === "versions") {
    const pairs = Int32Array.from(states.versions.flatMap(({ client, round }) => [client, round]));
    return { clients: { shape: [states.versions.length, 2], data: pairs } };
  }
  const clients = Int32Array.from(states.states, ({ client }) => client);
  const tensors: Tensors = { clients: { shape: [clients.length], data: clients } };
  for (const { client, vectors } of states.states) {
    for (const [name, vector] of Object.entries(vectors)) tensors[`${CLIENT}${client}/${name}`] = flat(vector);
  }
  return tensors;
}

function readInline(tensors: SafetensorsFile["tensors"], where: string): ClientStates {
  const byClient = new Map<number, Record<string, Vector>>();
  for (const client of clientNumbers(tensors, where)) byClient.set(client, {});
  for (const [path, vector] of Object.entries(vectorsUnder(tensors, CLIENT, where))) {
    const slash = path.indexOf("/");
    const vectors = byClient.get(Number(path.slice(0, slash)));
    if (vectors === undefined) throw damaged("checkpoint", where, "it holds a state of an unknown client", path);
    vectors[path.slice(slash + 1)] = vector;
  }
  return { kind: "inline", states: [...byClient].map(([client, vectors]) => ({ client, vectors })) };
}

function readVersions(tensors: SafetensorsFile["tensors"], where: string): ClientStates {
  const pairs = clientNumbers(tensors, where);
  const versions = Array.from({ length: pairs.length / 2 }, (_, i) => ({
    client: pairs[2 * i]!,
    round: pairs[2 * i + 1]!,
  }));
  return { kind: "versions", versions };
}

function clientNumbers(tensors: SafetensorsFile["tensors"], where: string): Int32Array {
  const data = tensors.clients?.data;
  if (data instanceof Int32Array) return data;
  throw damaged("checkpoint", where, "the list of clients is missing");
}

function numbers(tensors: SafetensorsFile["tensors"], name: string, length: number, where: string): Float64Array {
  const data = tensors[name]?.data;
  if (data instanceof Float64Array && data.length === length) return data;
  throw damaged("checkpoint", where, `the numbers "${name}" are incomplete`);
}

function vectorsUnder(tensors: SafetensorsFile["tensors"], prefix: string, where: string): Record<string, Vector> {
  const found: [string, Vector][] = [];
  for (const [name, { data }] of Object.entries(tensors)) {
    if (!name.startsWith(prefix)) continue;
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw damaged("checkpoint", where, `${name} is not a vector of floats`);
    }
    found.push([name.slice(prefix.length), data]);
  }
  return Object.fromEntries(found);
}

function float64s(values: readonly number[]): SafetensorsTensor {
  return { shape: [values.length], data: Float64Array.from(values) };
}

function flat(data: Vector): SafetensorsTensor {
  return { shape: [data.length], data };
}
