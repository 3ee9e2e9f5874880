import { alieFactor } from "../adversary/alie-factor.ts";
import { attackersOf } from "../adversary/attackers.ts";
import type { DataAttack, Trigger } from "../adversary/data-attack.ts";
import { requireClass } from "../adversary/label-map.ts";
import { type Attack, type AttackName, type AttackOptions, attackFrom, attacks } from "../adversary/options.ts";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { ModelData } from "../models/registry.ts";
import { capabilitiesOf, requireCapable, type UpdateAttack } from "../pipeline/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Federation } from "./federation.ts";

/** What attackers of a run do, as plain data. */
export interface ConfiguredAttack {
  readonly clients: readonly number[];
  /** To their rows. */
  readonly data?: DataAttack;
  /** To their updates. */
  readonly update?: UpdateAttack;
  /** For people. */
  readonly description: { readonly name: string; readonly text: string; readonly attackers: number[] };
}

/**
 * The attack of a configuration; undefined where all clients are honest. Throws `config/conflict`, `attack/attackers`,
 * `attack/label` or `attack/alie` for what the data, the method or the rest of the configuration do not allow.
 */
export function configuredAttack(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  federation: Federation,
): ConfiguredAttack | undefined {
  const { name, attackers, ...options } = config.attack;
  if (name === "none") return undefined;
  const attack = attackFrom(name as AttackName, options);
  const clients = attackersOf(attackers, federation.clients, config.seed);
  requireHonestTarget(attack, clients, federation.clients);
  const data = dataAttack(attack, config, federation);
  const sendsCrafted = attacks[attack.name].acts === "update" || (attack.name === "backdoor" && attack.boost > 1);
  if (sendsCrafted) requireKnownUpdates(config, algorithm, payloads);
  return {
    clients,
    ...(data === undefined ? {} : { data }),
    ...(sendsCrafted
      ? { update: { attack, clients, alieFactor: factorOf(attack, config, clients.length / federation.clients) } }
      : {}),
    description: { name, text: `${attacks[attack.name].summary} (${describe(options)})`, attackers: [...clients] },
  };
}

function describe(options: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(options).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return given.length === 0 ? "default options" : given.join(", ");
}

/** Attackers know how many clients a round has and how many of them attack, on average. */
function factorOf(attack: Attack, { sampler }: Config, share: number): number {
  if (attack.name !== "alie" || attack.z !== undefined) return 0;
  const cohort = Math.round(sampler.cohort);
  return alieFactor(cohort, Math.round(cohort * share));
}

/** A client that is copied is one of the honest ones. */
function requireHonestTarget(attack: Attack, attackers: readonly number[], clients: number): void {
  if (attack.name !== "mimic" || attack.target === undefined) return;
  const { target } = attack;
  const isClient = target < clients;
  if (isClient && !attackers.includes(target)) return;
  const received = isClient ? `${target}, an attacker` : `${target}, with ${clients} clients`;
  const honest = Array.from({ length: clients }, (_, client) => client).filter((client) => !attackers.includes(client));
  const nearest = honest.reduce((best, client) =>
    Math.abs(client - target) < Math.abs(best - target) ? client : best,
  );
  throw conflict("attack.target", received, "an honest client", `The nearest one is ${nearest}.`);
}

/** Crafted updates take the place of plain ones, so these must be plain where they are aggregated. */
function requireKnownUpdates(config: Config, algorithm: Algorithm, payloads: Payloads): void {
  const { attack, privacy, secureAggregation, topology } = config;
  const value = `"${attack.name}"`;
  requireCapable("attack.name", value, capabilitiesOf(algorithm, payloads));
  const dataAttacks = '"label-flip" or "backdoor" without boost';
  if (privacy.mechanism !== "none") {
    const advice =
      "A crafted update is not clipped or noised as epsilon assumes. Attack the data, or leave [privacy] out.";
    throw conflict("attack.name", `${value}, with privacy.mechanism = "${privacy.mechanism}"`, dataAttacks, advice);
  }
  if (topology.name !== "none") {
    const advice = "Nodes of a topology combine models of their own. Attack the data, or leave [topology] out.";
    throw conflict("attack.name", `${value}, with topology.name = "${topology.name}"`, dataAttacks, advice);
  }
  if (secureAggregation.protocol !== "none") {
    const advice = "Updates are hidden integers when they meet. Attack the data, or leave [secureAggregation] out.";
    const received = `${value}, with secureAggregation.protocol = "${secureAggregation.protocol}"`;
    throw conflict("attack.name", received, dataAttacks, advice);
  }
}

function dataAttack(attack: Attack, config: Config, { examples, classes }: Federation): DataAttack | undefined {
  if (attack.name === "label-flip") {
    const { map, from = 0, to = 0 } = attack;
    requireClasses(config, classes);
    if (map !== "from-to") return { kind: "labels", map, classes };
    requireClass(from, classes, "attack.from");
    requireClass(to, classes, "attack.to");
    return { kind: "labels", map: { from, to }, classes };
  }
  if (attack.name !== "backdoor") return undefined;
  requireClasses(config, classes);
  requireClass(attack.target, classes, "attack.target");
  const key = deriveKey(rootKey(config.seed), "attack", "rows");
  return { kind: "trigger", trigger: triggerOf(attack, examples), target: attack.target, share: attack.share, key };
}

function requireClasses({ attack }: Config, classes: number): void {
  if (classes > 1) return;
  const advice = "Choose an attack on updates, e.g. sign-flip.";
  throw conflict("attack.name", `"${attack.name}", with data without classes`, "labels that are classes", advice);
}

/** The pixel square; in the lower right corner where no place is given. */
function triggerOf({ size, row, column }: AttackOptions<"backdoor">, { features }: ModelData): Trigger {
  const [channels, height, width] = features.shape.slice(1);
  if (features.shape.length !== 4 || channels === undefined || height === undefined || width === undefined) {
    const advice = "Choose another attack: a trigger is a square of pixels.";
    throw conflict("attack.name", `"backdoor", with examples of shape [${features.shape.slice(1)}]`, "images", advice);
  }
  const least = Math.min(height, width);
  if (size > least) throw outside("size", size, least, `an image of ${height} x ${width}`);
  for (const [key, value, extent] of [
    ["row", row, height],
    ["column", column, width],
  ] as const) {
    if (value !== undefined && value + size > extent)
      throw outside(key, value, extent - size, `a square of ${size} pixels in an image of ${height} x ${width}`);
  }
  const brightest = features.dtype === "uint8" ? 255 : 1;
  return { size, row: row ?? height - size, column: column ?? width - size, value: brightest };
}

function outside(key: string, value: number, most: number, within: string) {
  return conflict(
    `attack.${key}`,
    `${value}, with ${within}`,
    `at most ${most}`,
    `The trigger would leave the image: the nearest legal value is ${most}.`,
  );
}
