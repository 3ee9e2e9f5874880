import {
  type ClassScores,
  combinedLayer,
  type PeerWeights,
  peerWeights,
  prioritisedPeers,
  type ReceivedLayer,
} from "../aggregation/bristle.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, type RandomKey } from "../random/index.ts";
import { range, type SparseRow } from "../topology/index.ts";
import { emptyLike, type Models, modelOf, squaredDistance } from "./models.ts";
import type { Layer } from "./variance.ts";

/** Which of the received layers a node looks at. */
export interface PeerChoice {
  /** a, 0 to 1: how many of them are far from its own. */
  readonly exploration: number;
  /** q, about how many there are. */
  readonly peers: number;
}

/** A node that judges a model on its own test examples, and the node whose model it is. */
export type JudgedPair = readonly [receiver: number, sender: number];

/** What nodes found out about each other's models. */
export interface Judged {
  readonly pairs: readonly JudgedPair[];
  /** For each pair the scores of the sender's model on the receiver's test examples. */
  readonly scores: readonly ClassScores[];
  /** Classes of the output layers. */
  readonly classes: number;
}

/**
 * Who has to judge whom: first each node that takes part its own model, then each receiver the models that it draws from
 * those that it hears, fewer from far away.
 *
 * @param rows of a mixing matrix, whose weights do not count
 */
export function judgedPairs(
  models: Models,
  rows: readonly SparseRow[],
  { exploration, peers }: PeerChoice,
  key: RandomKey,
): readonly JudgedPair[] {
  const heard = rows.flatMap(({ nodes }, receiver) => {
    const senders = nodes.filter((node) => node !== receiver);
    const own = modelOf(models, receiver);
    const distances = senders.map((sender) => squaredDistance(modelOf(models, sender), own));
    const drawn = prioritisedPeers(distances, deriveKey(key, receiver), exploration, peers);
    return drawn.map((place): JudgedPair => [receiver, senders[place]!]);
  });
  const nodes = [...new Set(heard.flat())].sort((a, b) => a - b);
  return [...nodes.map((node): JudgedPair => [node, node]), ...heard];
}

/**
 * Bristle's rule: each receiver combines output layers class by class, weighted by their scores. A node without a pair keeps
 * its model. A peer says that it knows as many classes as it has own scores.
 *
 * @param layers of an output layer: the last axis of each is that of the classes
 */
export function classWeighted(models: Models, layers: readonly Layer[], { pairs, scores, classes }: Judged): Models {
  const mixed = emptyLike(models);
  mixed.data.set(models.data);
  const own = new Map(pairs.flatMap(([to, from], k) => (to === from ? [[to, scores[k]!] as const] : [])));
  const columns = new Map([...own.keys()].map((node) => [node, columnsOf(modelOf(models, node), layers, classes)]));
  for (const [receiver, ownScores] of own) {
    const familiar = [...ownScores.keys()].sort((a, b) => a - b);
    const received: ReceivedLayer[] = [];
    const weights: PeerWeights[] = [];
    for (const [k, [to, from]] of pairs.entries()) {
      if (to !== receiver || from === receiver) continue;
      const layer = { columns: columns.get(from)!, scores: scores[k]!, classes: own.get(from)!.size };
      received.push(layer);
      weights.push(peerWeights(familiar, ownScores, layer));
    }
    const next = combinedLayer(columns.get(receiver)!, familiar, received, weights);
    setColumns(modelOf(mixed, receiver), layers, next);
  }
  return mixed;
}

/** What goes to each class, [classes][h + 1]: a row of the bias, and the rows of the weights. */
function columnsOf(model: Vector, layers: readonly Layer[], classes: number): readonly Float64Array[] {
  return range(classes).map((c) => Float64Array.from(placesOf(layers, classes, c), (place) => model[place]!));
}

function setColumns(model: Vector, layers: readonly Layer[], columns: readonly Float64Array[]): void {
  for (const [c, column] of columns.entries())
    for (const [j, place] of placesOf(layers, columns.length, c).entries()) model[place] = column[j]!;
}

function placesOf(layers: readonly Layer[], classes: number, c: number): readonly number[] {
  return layers.flatMap(({ offset, size }) => range(size / classes).map((row) => offset + row * classes + c));
}
