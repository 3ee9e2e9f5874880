import type { Exchange, Upload } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import { type MechanismSettings, stageVectors } from "../privacy/mechanisms/index.ts";
import type { Uploads } from "./settings.ts";

/** What clients of a method upload. */
export function uploadsOf({ up, parts }: Exchange, { hash }: Layout): Uploads {
  const named = Object.entries(up);
  return {
    up: Object.fromEntries(named.map(([name, { layout }]) => [name, layout])),
    parts,
    codecs: Object.fromEntries(named.flatMap(([name, { codec }]) => (codec === undefined ? [] : [[name, codec]]))),
    layoutHash: hash,
  };
}

/**
 * The exchange as it is aggregated. With a mechanism of differential privacy these are sums, which its stages noise and
 * divide by a public denominator; nothing is measured on single updates; and there are the vectors that stages add.
 */
export function summedExchange(exchange: Exchange, mechanism: MechanismSettings | undefined): Exchange {
  if (mechanism === undefined) return exchange;
  const summed = Object.entries(exchange.up).map(([name, upload]): [string, Upload] => {
    return [name, { ...upload, aggregation: "sum", drift: false }];
  });
  const added = Object.entries(stageVectors(mechanism)).map(([name, layout]): [string, Upload] => {
    return [name, { layout, aggregation: "sum" }];
  });
  return { ...exchange, up: Object.fromEntries([...summed, ...added]) };
}
