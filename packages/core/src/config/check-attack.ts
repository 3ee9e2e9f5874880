import type * as z from "zod";
import { attackersOf } from "../adversary/attackers.ts";
import { type AttackName, attacks } from "../adversary/options.ts";
import { conflict } from "./check.ts";
import { show } from "./expectation.ts";
import { type Locate, unknownName } from "./issues.ts";
import type { Config } from "./schema.ts";

type CheckOptions = (
  schema: z.ZodType,
  options: Readonly<Record<string, unknown>>,
  path: readonly string[],
  locate: Locate,
) => void;

/**
 * Refuses an attack that there is not, attackers that are no clients, and options that it does not have. Throws
 * `config/unknown-name`, `config/invalid`, `config/conflict` or `attack/attackers`. What needs the data or the method is
 * refused where the run is prepared.
 */
export function checkAttack(config: Config, locate: Locate, checkOptions: CheckOptions): void {
  const { name, attackers, ...options } = config.attack;
  const at = (key: string) => locate(["attack", key]);
  if (name === "none") {
    const [key] = attackers === 1 ? Object.keys(options) : ["attackers"];
    if (key === undefined) return;
    const received = `${show(config.attack[key])}, with attack.name = "none"`;
    throw conflict(at(key), received, "nothing", 'All clients are honest: set attack.name, e.g. "sign-flip".');
  }
  if (!Object.hasOwn(attacks, name)) throw unknownName("attack", name, ["none", ...Object.keys(attacks)], at("name"));
  if (config.baseline !== undefined) {
    const received = `${show(name)}, with baseline = ${show(config.baseline)}`;
    throw conflict(at("name"), received, '"none"', "A baseline has no rounds to attack: remove the section [attack].");
  }
  checkOptions(attacks[name as AttackName].options, options, ["attack"], locate);
  // one client for each owner: how many there are is known with the data
  if (config.data.clients > 0) attackersOf(attackers, config.data.clients, config.seed, at("attackers"));
  if (name === "label-flip") checkClasses(options, at);
}

function checkClasses(
  { map = "mirror", from, to }: Readonly<Record<string, unknown>>,
  at: (key: string) => string,
): void {
  for (const [key, value] of Object.entries({ from, to })) {
    if ((map === "from-to") === (value !== undefined)) continue;
    const received = `${show(value)}, with attack.map = ${show(map)}`;
    const expected = value === undefined ? "a class" : "nothing";
    throw conflict(at(key), received, expected, 'Only map = "from-to" takes attack.from and attack.to.');
  }
  if (from === undefined || from !== to) return;
  throw conflict(at("to"), `${show(to)}, which is attack.from`, "another class", "No label would change.");
}
