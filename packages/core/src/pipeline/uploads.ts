import type { Payloads, Upload } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import { stageVectors } from "../privacy/mechanisms/stages.ts";
import type { Uploads } from "./settings.ts";

/** What clients of a method upload. */
export function uploadsOf({ upload, parts }: Payloads, { hash }: Layout): Uploads {
  const named = Object.entries(upload);
  return {
    upload: Object.fromEntries(named.map(([name, { layout }]) => [name, layout])),
    parts,
    codecs: Object.fromEntries(named.flatMap(([name, { codec }]) => (codec === undefined ? [] : [[name, codec]]))),
    layoutHash: hash,
  };
}

/**
 * The payloads as they are aggregated. With a mechanism of differential privacy these are sums, which its stages noise and
 * divide by a public denominator; nothing is measured on single updates; and there are the vectors that stages add.
 */
export function summedPayloads(payloads: Payloads, mechanism: MechanismSettings | undefined): Payloads {
  if (mechanism === undefined) return payloads;
  const summed = Object.entries(payloads.upload).map(([name, upload]): [string, Upload] => {
    return [name, { ...upload, aggregation: "sum", drift: false }];
  });
  const added = Object.entries(stageVectors(mechanism)).map(([name, layout]): [string, Upload] => {
    return [name, { layout, aggregation: "sum" }];
  });
  return { ...payloads, upload: Object.fromEntries([...summed, ...added]) };
}
