/**
 * Bristle: a peer combines the output layers that it receives class by class, weighted by how well each does on its own test
 * examples (J. Verbraeken, M. de Vos, J. Pouwelse, "Bristle: Decentralized Federated Learning in Byzantine, Non-i.i.d.
 * Environments", 2021, arXiv 2110.11006). Formulas follow the authors' code, but for its numbering of familiar classes.
 *
 * Column c of an output layer is what goes to class c, with its bias. A familiar class is one that the peer has examples of.
 */
import type { Vector } from "../params/index.ts";
import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";
import { ascendingOrder } from "./rank-vote.ts";

/** F1 scores on the own test examples, by class. */
export type ClassScores = ReadonlyMap<number, number>;

export interface ReceivedLayer {
  /** [classes][h] */
  readonly columns: readonly Vector[];
  /** Of the received model on the receiver's test examples. */
  readonly scores: ClassScores;
  /** Number of classes that the peer says it knows; undefined: it does not say. */
  readonly classes: number | undefined;
}

/** How much a received layer counts. */
export interface PeerWeights {
  /** q: mean minus deviation of its scores on its best classes, at least 0. */
  readonly certainty: number;
  /** By place in `familiar`; 0 for classes that are not among its best. */
  readonly familiar: readonly number[];
  /** For each class that the receiver does not know. */
  readonly foreign: number;
}

/** Scores that are this bad, or worse, count alike for a familiar class. */
const WORST = -100;

/** Weights of a received layer. @param familiar classes that the receiver has, ascending */
export function peerWeights(familiar: readonly number[], own: ClassScores, peer: ReceivedLayer): PeerWeights {
  const scoreOf = (c: number) => peer.scores.get(c) ?? 0;
  const best = [...familiar].sort((a, b) => scoreOf(b) - scoreOf(a) || a - b).slice(0, peer.classes ?? familiar.length);
  const certainty = certaintyOf(best.map(scoreOf));
  const gains = new Map(best.map((c) => [c, gain(own.get(c) ?? 0, scoreOf(c))]));
  const total = [...gains.values()].reduce((a, b) => a + b, 0);
  return {
    certainty,
    familiar: familiar.map((c) => (gains.has(c) ? certainty * factor(Math.max(WORST, gains.get(c)!)) : 0)),
    foreign: certainty * factor(total),
  };
}

/** The next output layer of the receiver, [classes][h]. */
export function combinedLayer(
  columns: readonly Vector[],
  familiar: readonly number[],
  peers: readonly ReceivedLayer[],
  weights: readonly PeerWeights[],
): Float64Array[] {
  return columns.map((column, c) => {
    const place = familiar.indexOf(c);
    const sum = Float64Array.from(column);
    let total = 1;
    for (const [k, peer] of peers.entries()) {
      const weight = place < 0 ? weights[k]!.foreign : weights[k]!.familiar[place]!;
      for (let j = 0; j < sum.length; j++) sum[j]! += weight * peer.columns[c]![j]!;
      total += weight;
    }
    return sum.map((value) => value / total);
  });
}

/**
 * Which of the received layers are looked at, in ascending order of place: of each third by distance some at random, fewer of
 * those that are far.
 *
 * @param distances of the received layers from the own one
 * @param exploration a, 0 to 1: how much is taken from far away
 * @param count q, about how many are taken
 */
export function prioritisedPeers(
  distances: readonly number[],
  key: RandomKey,
  exploration = 0.4,
  count = 10,
): readonly number[] {
  const order = ascendingOrder(distances);
  const shares = [(1 - exploration) ** 2, 2 * exploration * (1 - exploration), exploration ** 2];
  const stream = randomStream(key);
  const taken = shares.flatMap((share, third) => {
    const [begin, end] = [third, third + 1].map((k) => Math.round((k * order.length) / 3)) as [number, number];
    const wanted = Math.min(end - begin, Math.round(share * count));
    return Array.from(sampleWithoutReplacement(stream, end - begin, wanted), (place) => order[begin + place]!);
  });
  return taken.sort((a, b) => a - b);
}

function certaintyOf(scores: readonly number[]): number {
  if (scores.length === 0) return 0;
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  return Math.max(0, mean - Math.sqrt(variance));
}

/** How much better than the own score another is, steeper where it is worse. */
function gain(own: number, other: number): number {
  const difference = 10 * Math.abs(other - own);
  return other > own ? difference ** (3 + own) : -(difference ** (4 + own));
}

/** u: 1 for no gain, at most 6, 0 for a loss of 40.5 or more. */
function factor(score: number): number {
  return Math.max(0, 10 / (1 + Math.exp(-score / 100)) - 4);
}
