/** What GGEUR's server makes of the classes of clients, and what it gives each of them. */
import { type ClassStatistics, geometryOf, pooledStatistics } from "../heterogeneity/index.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type { ServerState } from "./algorithm.ts";

/** Vectors of the server's state that no client is sent as they are; absent before they are known. */
const [MEANS, COUNTS] = ["means", "counts"] as const;

type Vectors = ServerState["vectors"];
type Given = Readonly<Record<"prototypes" | "holders", Vector>>;
/** By client and class. */
type Told = readonly (readonly (ClassStatistics | undefined)[])[];

/** For each class the directions in which it varies over all clients, as long as its deviation along them, in columns. */
export function geometryFrom(told: Told, like: Vector): Vector {
  const geometry = zerosLike(like);
  for (const c of told[0]?.keys() ?? []) {
    const parts = told.flatMap((client) => client[c] ?? []);
    if (parts.length === 0) continue;
    const { variances, directions } = geometryOf(pooledStatistics(parts));
    const q = directions.length;
    for (const [k, direction] of directions.entries()) {
      const length = Math.sqrt(Math.max(variances[k]!, 0));
      for (const [i, value] of direction.entries()) geometry[(c * q + i) * q + k] = length * value;
    }
  }
  return geometry;
}

/** What clients have told of their classes, by number: zeros of those that told nothing. */
export function tablesOf(
  told: Told,
  clients: readonly number[],
  population: number,
  { prototypes, holders }: Vectors,
): Readonly<Record<typeof MEANS | typeof COUNTS, Vector>> {
  const [size, classes] = [prototypes!.length, holders!.length];
  const [means, counts] = [zerosLike(prototypes!, population * size), zerosLike(prototypes!, population * classes)];
  for (const [row, client] of clients.entries()) {
    for (const [c, one] of told[row]!.entries()) {
      if (one === undefined) continue;
      counts[client * classes + c] = one.count;
      means.set(one.mean, client * size + (c * size) / classes);
    }
  }
  return { [MEANS]: means, [COUNTS]: counts };
}

/** Zeros: no class of another client. */
export function nothingFor({ vectors: { prototypes, holders } }: ServerState): Given {
  return { prototypes: prototypes!, holders: holders! };
}

/** Of each class the mean of another client, another one in every round, and how many others have the class. */
export function givenTo(state: ServerState, client: number, round: number): Given {
  const none = nothingFor(state);
  const { [MEANS]: means, [COUNTS]: counts } = state.vectors;
  if (means === undefined || counts === undefined) return none;
  const [prototypes, holders] = [zerosLike(none.prototypes), zerosLike(none.holders)];
  const classes = holders.length;
  const [size, q] = [prototypes.length, prototypes.length / classes];
  const everyone = Array.from({ length: counts.length / classes }, (_, other) => other);
  for (const c of holders.keys()) {
    const others = everyone.filter((other) => other !== client && counts[other * classes + c]! > 0);
    if (others.length === 0) continue;
    holders[c] = others.length;
    const from = others[(round + client) % others.length]! * size + c * q;
    prototypes.set(means.subarray(from, from + q), c * q);
  }
  return { prototypes, holders };
}
