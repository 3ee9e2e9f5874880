import type { Aggregation, Payloads, Upload } from "../algorithms/algorithm.ts";
import { type CodecSpec, matrixCodec } from "../codecs/codec-spec.ts";
import { type Contract, describe, isRecord } from "./contract.ts";

const AGGREGATIONS: readonly Aggregation[] = ["weightedMean", "uniformMean", "sum"];
const CODECS: readonly CodecSpec["name"][] = ["truncated-svd", "low-rank-symmetric"];
const UPLOAD: readonly (keyof Upload)[] = ["layout", "aggregation", "drift", "codec"];
const PAYLOADS: readonly (keyof Payloads)[] = ["broadcast", "upload", "clientState"];

/** Refuses what an own method declares as its payloads where that is no `Payloads`. Throws `method/exchange`. */
export function checkPayloads(contract: Contract, value: unknown): asserts value is Payloads {
  const part = "payloads(...)";
  const { parts, ...rest } = isRecord(value) ? value : {};
  const message = "the method declares its payloads with the wrong parts";
  const given = isRecord(value) ? rest : value;
  const { broadcast, upload, clientState } = contract.names("exchange", message, part, given, PAYLOADS, "Payloads");
  requireLayouts(contract, `${part}.broadcast`, broadcast);
  requireLayouts(contract, `${part}.clientState`, clientState);
  for (const [name, one] of Object.entries(requireRecord(contract, `${part}.upload`, upload)))
    checkUpload(contract, `${part}.upload.${name}`, one);
  if (parts !== undefined) checkParts(contract, `${part}.parts`, parts, Object.keys(upload as object));
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
    throw contract.breach(
      "exchange",
      "the parts of the payloads are not a list",
      part,
      describe(parts),
      "a list of parts",
    );
  for (const [index, one] of parts.entries()) {
    const message = "a part names other vectors than the method uploads";
    contract.names("exchange", message, `${part}[${index}]`, one, uploads, "payloads(...).upload");
    requireLayouts(contract, `${part}[${index}]`, one);
  }
}

function requireLayouts(contract: Contract, part: string, value: unknown): void {
  for (const [name, layout] of Object.entries(requireRecord(contract, part, value)))
    requireLayout(contract, `${part}.${name}`, layout);
}

function requireLayout(contract: Contract, part: string, value: unknown): void {
  if (isRecord(value) && Array.isArray(value["entries"]) && typeof value["size"] === "number") return;
  const expected = "a layout, such as the one that payloads is given";
  throw contract.breach("exchange", "a vector has no layout", part, describe(value), expected);
}

function requireRecord(contract: Contract, part: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw contract.breach(
    "exchange",
    "a part of the payloads is missing",
    part,
    describe(value),
    "an object, {} for none",
  );
}
