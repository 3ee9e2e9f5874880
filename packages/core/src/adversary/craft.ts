/** What attackers send in a round of a run, from all updates of the round. */
import type { Vector } from "../params/index.ts";
import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import { learnMimic, type MimicMemory, mimicMemory, mimicTarget } from "./mimic.ts";
import { optimisedAlie, optimisedIpm, type ServerRule } from "./optimised-attacks.ts";
import type { Attack } from "./options.ts";
import { meanOf } from "./statistics.ts";
import { alie, minMax, minSum, signFlip } from "./update-attacks.ts";

/** The updates of a round, each as one vector [d], by client. */
export interface AttackedRound {
  readonly honest: ReadonlyMap<number, Vector>;
  /** What the attackers have trained. */
  readonly own: ReadonlyMap<number, Vector>;
  /** Of the randomness of this round. */
  readonly key: RandomKey;
  /** z of ALIE where the attack leaves it to the numbers of clients. */
  readonly alieFactor: number;
  readonly rule: ServerRule;
  /** What mimic has learned so far. */
  readonly memory: MimicMemory | undefined;
}

export interface CraftedRound {
  /** By attacker; one that is missing sends its own update. */
  readonly updates: ReadonlyMap<number, Vector>;
  /** Factor that was chosen for it. */
  readonly factor?: number;
  /** Client that is copied. */
  readonly target?: number;
  readonly memory?: MimicMemory;
}

/** The updates of the attackers. Without honest updates there is nothing to know, and all send their own. */
export function craftUpdates(attack: Attack, round: AttackedRound): CraftedRound {
  const { honest, own } = round;
  const each = (update: (vector: Vector, client: number) => Vector) => {
    return { updates: new Map([...own].map(([client, vector]) => [client, update(vector, client)])) };
  };
  switch (attack.name) {
    case "label-flip":
      return { updates: own };
    case "backdoor":
      return attack.boost === 1 ? { updates: own } : each((vector) => signFlip(vector, -attack.boost));
    case "free-rider":
      return each((vector, client) => uniform(vector.length, attack.noise, deriveKey(round.key, client)));
    case "gaussian":
      return each((vector, client) => gaussian(vector.length, attack, deriveKey(round.key, client)));
    case "nan":
      return each((vector) => new Float64Array(vector.length).fill(Number.NaN));
    case "sign-flip":
      if (attack.knowledge === "own") return each((vector) => signFlip(vector, attack.scale));
  }
  if (honest.size === 0 || own.size === 0) return { updates: own };
  const { vector, ...chosen } = omniscient(attack, round);
  return { ...each(() => vector), ...chosen };
}

type Omniscient = Exclude<Attack["name"], "label-flip" | "backdoor" | "free-rider" | "gaussian" | "nan">;

function omniscient(
  attack: Extract<Attack, { name: Omniscient }>,
  { honest, own, rule, alieFactor, memory }: AttackedRound,
): { readonly vector: Vector } & Omit<CraftedRound, "updates"> {
  const updates = [...honest.values()];
  const search = { attackers: own.size, rule };
  switch (attack.name) {
    case "sign-flip":
      return { vector: signFlip(meanOf(updates), attack.scale) };
    case "ipm":
      return { vector: signFlip(meanOf(updates), attack.epsilon) };
    case "alie": {
      const factor = attack.z ?? alieFactor;
      return { vector: alie(updates, factor, attack.sign), factor };
    }
    case "min-max":
      return minMax(updates, attack.direction);
    case "min-sum":
      return minSum(updates, attack.direction);
    case "optimised-ipm":
      return optimisedIpm(updates, { ...search, evaluations: attack.evaluations });
    case "optimised-alie":
      return optimisedAlie(updates, { ...search, evaluations: attack.evaluations }, attack.sign);
    case "mimic":
      return mimic(attack.target, honest, memory);
  }
}

function mimic(given: number | undefined, honest: ReadonlyMap<number, Vector>, memory: MimicMemory | undefined) {
  const clients = [...honest.keys()];
  const updates = [...honest.values()];
  if (given !== undefined && honest.has(given)) return { vector: honest.get(given)!, target: given };
  // the first direction: from the mean of the first round to its first update
  const start = memory ?? mimicMemory(difference(updates[0]!, meanOf(updates)));
  const learned = learnMimic(start, updates);
  const place = mimicTarget(learned, updates);
  return { vector: updates[place]!, target: clients[place]!, memory: learned };
}

function difference(a: Vector, b: Vector): Float64Array {
  return Float64Array.from(a, (value, j) => value - b[j]!);
}

function uniform(length: number, bound: number, key: RandomKey): Float64Array {
  const stream = randomStream(key);
  return Float64Array.from({ length }, () => (bound === 0 ? 0 : bound * (2 * stream.float() - 1)));
}

function gaussian(length: number, of: { mean: number; deviation: number }, key: RandomKey): Float64Array {
  const stream = randomStream(key);
  return Float64Array.from({ length }, () => of.mean + of.deviation * stream.normal());
}
