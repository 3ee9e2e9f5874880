import type { Aggregation, Exchange, Upload } from "../algorithms/algorithm.ts";
import { type CodecSpec, matrixCodec } from "../codecs/codec-spec.ts";
import { type Contract, describe, isRecord } from "./contract.ts";

const AGGREGATIONS: readonly Aggregation[] = ["weightedMean", "uniformMean", "sum"];
const CODECS: readonly CodecSpec["name"][] = ["truncated-svd", "low-rank-symmetric"];
const UPLOAD: readonly (keyof Upload)[] = ["layout", "aggregation", "drift", "codec"];
const EXCHANGE: readonly (keyof Exchange)[] = ["down", "up", "client"];

/** Refuses what an own method says it exchanges where it is no `Exchange`. Throws `method/exchange`. */
export function checkExchange(contract: Contract, value: unknown): asserts value is Exchange {
  const part = "exchange(...)";
  const { parts, ...rest } = isRecord(value) ? value : {};
  const message = "the method declares its exchange with the wrong parts";
  const given = isRecord(value) ? rest : value;
  const { down, up, client } = contract.names("exchange", message, part, given, EXCHANGE, "Exchange");
  requireLayouts(contract, `${part}.down`, down);
  requireLayouts(contract, `${part}.client`, client);
  for (const [name, upload] of Object.entries(requireRecord(contract, `${part}.up`, up)))
    checkUpload(contract, `${part}.up.${name}`, upload);
  if (parts !== undefined) checkParts(contract, `${part}.parts`, parts, Object.keys(up as object));
}

function checkUpload(contract: Contract, part: string, value: unknown): void {
  const upload = requireRecord(contract, part, value);
  const unknown = Object.keys(upload).find((key) => !UPLOAD.some((known) => known === key));
  if (unknown !== undefined) contract.word("exchange", `${part}.${unknown}`, unknown, UPLOAD);
  requireLayout(contract, `${part}.layout`, upload["layout"]);
  contract.word("aggregation", `${part}.aggregation`, upload["aggregation"], AGGREGATIONS);
  const { codec } = upload;
  if (codec === undefined) return;
  contract.word("exchange", `${part}.codec.name`, isRecord(codec) ? codec["name"] : codec, CODECS);
  matrixCodec(codec as CodecSpec); // refuses what is out of range
}

function checkParts(contract: Contract, part: string, parts: unknown, uploads: readonly string[]): void {
  if (!Array.isArray(parts) || parts.length === 0)
    throw contract.breach("exchange", "the parts of an exchange are no list", part, describe(parts), "a list of parts");
  for (const [index, one] of parts.entries()) {
    const message = "a part names other vectors than the method uploads";
    contract.names("exchange", message, `${part}[${index}]`, one, uploads, "exchange(...).up");
    requireLayouts(contract, `${part}[${index}]`, one);
  }
}

function requireLayouts(contract: Contract, part: string, value: unknown): void {
  for (const [name, layout] of Object.entries(requireRecord(contract, part, value)))
    requireLayout(contract, `${part}.${name}`, layout);
}

function requireLayout(contract: Contract, part: string, value: unknown): void {
  if (isRecord(value) && Array.isArray(value["entries"]) && typeof value["size"] === "number") return;
  const expected = "a layout, such as the one that exchange is given";
  throw contract.breach("exchange", "a vector has no layout", part, describe(value), expected);
}

function requireRecord(contract: Contract, part: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw contract.breach(
    "exchange",
    "a part of the exchange is missing",
    part,
    describe(value),
    "an object, {} for none",
  );
}
