import { AnabranchError } from "@anabranch/engine";
import { type CodecSpec, matrixCodec } from "../codecs/codec-spec.ts";
import { Contract, describe, isRecord } from "../config/contract.ts";
import { nearest } from "../text/nearest.ts";
import type { Aggregation, ClientHalf } from "./algorithm.ts";
import type { MethodHalves, MethodVectors } from "./method-halves.ts";
import { present, type Shape, type UploadShape } from "./shapes.ts";

type Keys<T> = readonly Extract<keyof T, string>[];

const contract = new Contract("method");
const AGGREGATIONS: readonly Aggregation[] = ["weightedMean", "uniformMean", "sum", "each"];
const CODECS: readonly CodecSpec["name"][] = ["truncated-svd", "low-rank-symmetric"];
const VECTORS: Keys<MethodVectors> = ["client", "broadcast", "computed", "parts"];
const HALVES: Keys<MethodHalves> = [
  "start",
  "compute",
  "privacy",
  "assign",
  "defaultCompression",
  "countsSteps",
  "wholePopulation",
  "buffer",
  "schedule",
  "sendsModels",
  "gossip",
  "trains",
  "adapts",
  "personal",
  "frozen",
  "splitTraining",
  "ownModel",
  "served",
  "adaptation",
  "widths",
];
const UPLOAD: Keys<UploadShape> = ["shape", "aggregation", "drift", "places", "classStatistics", "codec"];
const CLIENT_HALF: Keys<ClientHalf> = ["begin", "step", "end"];

/**
 * Refuses vectors that are not declared as `MethodVectors` says, as code without types may. Throws `method/...`, naming the
 * part and the nearest right name.
 */
export function checkVectors(vectors: MethodVectors): void {
  const message = "the vectors of a method have the wrong parts";
  const names = { required: ["server", "upload"], optional: VECTORS, source: "MethodVectors" };
  contract.names("vectors", message, "vectors(...)", vectors, names);
  const { server, client, upload, broadcast, computed, parts } = vectors;
  requireShapes("server", server);
  requireModel(server);
  if (client !== undefined) requireShapes("client", client);
  if (computed !== undefined) requireShapes("computed", computed);
  for (const [name, value] of Object.entries(requireRecord("upload", upload))) checkUpload(`upload.${name}`, value);
  if (broadcast !== undefined) checkBroadcast(broadcast, Object.keys(server));
  if (parts !== undefined) contract.callable("parts", "parts", parts);
}

/** Refuses halves that are not what `MethodHalves` says. Throws `method/...`. */
export function checkHalves({ computed = {} }: MethodVectors, halves: MethodHalves): void {
  const message = "the halves of a method have the wrong parts";
  const names = { required: ["local", "update"], optional: HALVES, source: "MethodHalves" };
  contract.names("halves", message, "method(...)", halves, names);
  const { local, update, start, compute, assign } = halves;
  contract.callable("halves", "update", update);
  for (const [part, value] of Object.entries({ start, compute, assign }))
    if (value !== undefined) contract.callable("halves", part, value);
  checkClientHalf(local);
  const [first] = present(computed);
  if (first === undefined || compute !== undefined) return;
  throw contract.breach(
    "computed",
    "vectors are declared as computed, and nothing computes them",
    "compute",
    "nothing",
    `compute: (server, round) => ({ ${first[0]}: ... })`,
  );
}

function checkClientHalf(local: unknown): void {
  const half = requireRecord("local", local);
  for (const name of CLIENT_HALF) {
    if (typeof half[name] === "function") continue;
    const near = nearest(name, Object.keys(half));
    const advice = near === undefined || near === name ? undefined : `Did you mean "${name}" instead of "${near}"?`;
    const message = "the client half lacks a function";
    throw contract.breach("local", message, `local.${name}`, describe(half[name]), "a function", advice);
  }
}

function requireModel(server: Readonly<Record<string, Shape | undefined>>): void {
  const { parameters } = server;
  if (parameters?.kind === "model") return;
  const near = Object.keys(server).find((name) => nearest(name, ["parameters"]) !== undefined);
  const advice =
    parameters !== undefined || near === undefined ? undefined : `Did you mean "parameters" instead of "${near}"?`;
  const received = Object.keys(server).join(", ") || "no vectors";
  const message = "the server does not hold the model";
  throw contract.breach("server", message, "server", received, "parameters: MODEL", advice);
}

function checkUpload(part: string, value: unknown): void {
  const message = "an uploaded vector is not declared by how it is aggregated";
  const expected = "weightedMean(MODEL), uniformMean(MODEL) or sum(MODEL)";
  if (!isRecord(value) || "kind" in value)
    throw contract.breach("aggregation", message, part, isShape(value) ? "a shape alone" : describe(value), expected);
  const unknown = Object.keys(value).find((key) => !UPLOAD.some((known) => known === key));
  if (unknown !== undefined) contract.word("upload", `${part}.${unknown}`, unknown, UPLOAD);
  contract.word("aggregation", `${part}.aggregation`, value["aggregation"], AGGREGATIONS);
  if (!Object.hasOwn(value, "shape"))
    throw contract.breach("shape", "a vector has no shape", part, `${value["aggregation"]}()`, expected);
  requireShape(part, value["shape"]);
  if (value["codec"] !== undefined) checkCodec(`${part}.codec`, value["codec"]);
}

function checkCodec(part: string, codec: unknown): void {
  contract.word("codec", `${part}.name`, isRecord(codec) ? codec["name"] : codec, CODECS);
  try {
    matrixCodec(codec as CodecSpec); // its name is known by now
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    const { message, where = "", received = "", expected = "" } = error.failure;
    throw contract.breach("codec", message, `${part}.${where}`, received, expected);
  }
}

function checkBroadcast(broadcast: unknown, server: readonly string[]): void {
  const message = "the broadcast is not a list of the server's vectors";
  const expected = `a list of ${server.join(", ")}, as in server`;
  if (!Array.isArray(broadcast))
    throw contract.breach("broadcast", message, "broadcast", describe(broadcast), expected);
  for (const name of broadcast) {
    if (server.includes(name)) continue;
    const near = nearest(String(name), server);
    const advice = near === undefined ? undefined : `Did you mean "${near}" instead of "${name}"?`;
    throw contract.breach("broadcast", message, "broadcast", String(name), expected, advice);
  }
}

function requireShapes(part: string, value: unknown): void {
  for (const [name, shape] of Object.entries(requireRecord(part, value))) requireShape(`${part}.${name}`, shape);
}

/** A shape, or undefined for a vector that does not exist. */
function requireShape(part: string, value: unknown): void {
  if (value === undefined || isShape(value)) return;
  const upload = isRecord(value) && "aggregation" in value;
  const advice = upload ? "Means and sums are for upload." : undefined;
  const expected = "MODEL, SCALAR or ownLayout(...)";
  throw contract.breach("shape", "a vector has no shape", part, describe(value), expected, advice);
}

function isShape(value: unknown): value is Shape {
  if (!isRecord(value)) return false;
  const { kind } = value;
  return kind === "model" || kind === "scalar" || (kind === "own" && typeof value["layoutOf"] === "function");
}

function requireRecord(part: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw contract.breach(part, `${part} is missing`, part, describe(value), "an object");
}
