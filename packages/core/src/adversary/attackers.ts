import { AnabranchError } from "@anabranch/engine";
import { deriveKey, randomStream, rootKey, sampleWithoutReplacement } from "../random/index.ts";

/** Which clients attack: their numbers, or how many are drawn by the seed. */
export type Attackers = number | readonly number[];

/**
 * The attackers, ascending. Throws `attack/attackers` where one is no client, or none is honest.
 *
 * @param clients size of the population
 * @param where for errors
 * @example attackersOf(2, 10, 1) // two of ten clients, the same for every run with seed 1
 */
export function attackersOf(
  attackers: Attackers,
  clients: number,
  seed: number,
  where = "attack.attackers",
): readonly number[] {
  if (typeof attackers === "number") {
    requireHonest(attackers, clients, where);
    const stream = randomStream(deriveKey(rootKey(seed), "attackers"));
    return Array.from(sampleWithoutReplacement(stream, clients, attackers)).sort((a, b) => a - b);
  }
  const unique = [...new Set(attackers)].sort((a, b) => a - b);
  const stranger = unique.find((client) => client >= clients);
  if (stranger !== undefined) {
    throw refused("there is no such client", `client ${stranger}`, `clients 0 to ${clients - 1}`, clients - 1, where);
  }
  requireHonest(unique.length, clients, where);
  return unique;
}

function requireHonest(attackers: number, clients: number, where: string): void {
  if (attackers < clients) return;
  throw refused(
    "no client would be honest",
    `${attackers} attackers`,
    `fewer than ${clients} clients`,
    clients - 1,
    where,
  );
}

function refused(message: string, received: string, expected: string, nearest: number, where: string): AnabranchError {
  return new AnabranchError({
    code: "attack/attackers",
    message,
    where,
    received,
    expected,
    advice: `The nearest legal value is ${nearest}.`,
  });
}
