import { describe, expect, it } from "vitest";
import { combinedLayer, peerWeights, prioritisedPeers } from "../aggregation/bristle.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { complete, mixingRows, range, ring } from "../topology/index.ts";
import { classWeighted, type Judged, judgedPairs } from "./class-weighted.ts";
import { modelOf, modelsOf } from "./models.ts";

/** A bias and weights from two hidden units, each with three classes on the last axis. */
const layers = [
  { offset: 0, size: 3 },
  { offset: 3, size: 6 },
];
const model = (scale: number) => Float64Array.from({ length: 9 }, (_, j) => scale * (j + 1));
const columnsOf = (scale: number) => [0, 1, 2].map((c) => Float64Array.from([0, 3, 6], (row) => scale * (row + c + 1)));
const models = modelsOf([model(1), model(-2), model(5)]);
const all = mixingRows(complete(3), "metropolis");
const choice = { exploration: 0.4, peers: 10 };
const scoresOf = (...scores: number[]) => new Map(scores.map((score, c) => [c, score]));

describe("who judges whom", () => {
  it("is every node that takes part its own model, and each the models that it draws", () => {
    const pairs = judgedPairs(models, all, choice, rootKey(1));
    expect(pairs.slice(0, 3)).toEqual([0, 1, 2].map((node) => [node, node]));
    expect(pairs.slice(3)).toEqual(
      range(3).flatMap((to) => range(3).flatMap((from) => (from === to ? [] : [[to, from]]))),
    );
  });

  it("leaves out nodes that nobody hears, and draws as Bristle does", () => {
    const many = modelsOf(range(9).map((i) => Float64Array.of(i * i)));
    const alone = mixingRows(complete(9), "metropolis").map((row, i) => (i < 8 ? row : { nodes: [8], weights: [1] }));
    const heard = alone.map(({ nodes, weights }) => ({
      nodes: nodes.filter((n) => n < 8),
      weights: weights.slice(0, 8),
    }));
    const rows = [...heard.slice(0, 8), alone[8]!];
    const pairs = judgedPairs(many, rows, { exploration: 0.4, peers: 3 }, rootKey(2));
    expect(pairs.flat()).not.toContain(8);
    const senders = range(8).filter((node) => node !== 2);
    const distances = senders.map((node) => (node * node - 4) ** 2);
    const drawn = prioritisedPeers(distances, deriveKey(rootKey(2), 2), 0.4, 3).map((place) => [2, senders[place]!]);
    expect(pairs.filter(([to, from]) => to === 2 && from !== 2)).toEqual(drawn);
  });
});

describe("output layers by class", () => {
  const pairs: Judged["pairs"] = [...[0, 1, 2].map((node) => [node, node] as const), [0, 1], [0, 2]];
  const scores = [scoresOf(0.5, 0.6), scoresOf(0.9), scoresOf(0.1, 0.2, 0.3), scoresOf(0.7, 0.8), scoresOf(0.2, 0.4)];

  it("are combined as the rule for one receiver says, and stay where nobody was asked", () => {
    const mixed = classWeighted(models, layers, { pairs, scores, classes: 3 });
    const peers = [
      { columns: columnsOf(-2), scores: scores[3]!, classes: 1 },
      { columns: columnsOf(5), scores: scores[4]!, classes: 3 },
    ];
    const weights = peers.map((peer) => peerWeights([0, 1], scores[0]!, peer));
    const expected = combinedLayer(columnsOf(1), [0, 1], peers, weights);
    for (const [c, column] of expected.entries())
      for (const [row, value] of column.entries()) expect(modelOf(mixed, 0)[3 * row + c]).toBe(value);
    expect(modelOf(mixed, 1)).toEqual(model(-2));
    expect(modelOf(mixed, 2)).toEqual(model(5));
    expect(classWeighted(models, layers, { pairs: [], scores: [], classes: 3 })).toEqual(models);
  });

  it("stay as they are at a node whose own examples nobody else gets right", () => {
    const useless = [scoresOf(0.5, 0.5), scoresOf(0.9), scoresOf(0.9), scoresOf(0, 0), scoresOf(0, 0)];
    expect(modelOf(classWeighted(models, layers, { pairs, scores: useless, classes: 3 }), 0)).toEqual(model(1));
  });

  it("stay at a node without a hold-out, which knows no class", () => {
    const none = [scoresOf(), scoresOf(0.9), scoresOf(0.9), scoresOf(), scoresOf()];
    expect(modelOf(classWeighted(models, layers, { pairs, scores: none, classes: 3 }), 0)).toEqual(model(1));
  });

  it("does not depend on rows beyond whom they name", () => {
    const rows = mixingRows(ring(3), "metropolis");
    const heavier = rows.map(({ nodes }) => ({ nodes, weights: nodes.map((_, k) => k) }));
    expect(judgedPairs(models, heavier, choice, rootKey(1))).toEqual(judgedPairs(models, rows, choice, rootKey(1)));
  });
});
