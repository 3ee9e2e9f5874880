import type { Algorithm, Exchange } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";

/** Advice for each way in which what clients send and keep cannot be added as one vector. */
export interface SummableAdvice {
  readonly keep: string;
  readonly vectors: string;
  readonly parts: string;
  readonly encoded: string;
}

/** Refuses (`config/conflict` at `key`) a method whose clients keep something or send other than one whole vector as it is. */
export function requireOneVector(
  key: string,
  value: string,
  { name }: Algorithm,
  { up, client, parts }: Exchange,
  advice: SummableAdvice,
): void {
  const refuse = (why: string, next: string) => {
    const expected = "a method whose clients keep nothing and send one whole vector";
    throw conflict(key, `"${value}", with algorithm.name = "${name}", ${why}`, expected, next);
  };
  const [sent, kept] = [Object.keys(up), Object.keys(client)];
  if (kept.length > 0) refuse(`whose clients keep ${kept.join(", ")}`, advice.keep);
  if (sent.length !== 1) refuse(`whose clients send ${sent.join(", ") || "nothing"}`, advice.vectors);
  if (parts !== undefined) refuse("whose clients send parts", advice.parts);
  if (Object.values(up).some(({ codec }) => codec !== undefined)) refuse("whose updates are encoded", advice.encoded);
}
