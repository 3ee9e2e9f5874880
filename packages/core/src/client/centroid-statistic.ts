/** Centroids for examples without a label: the message that leaves a client, and what the server makes of it (FedoSSL). */
import { cast } from "@anabranch/engine";
import { type ClassShape, classLayout, classMessage, readClassMessage } from "../heterogeneity/class-message.ts";
import { centroidsByClass, globalCentroids, type LocalGrouping, localCentroids } from "../heterogeneity/index.ts";
import { entryView, layout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { permutation, type RandomKey, randomStream } from "../random/index.ts";
import type { RoundStatistic } from "./round-statistic.ts";

/** Terms of the loss that need centroids: their strengths, and the first round of each. */
export interface CentroidTerms extends LocalGrouping {
  readonly calibration: number;
  readonly calibrationFrom: number;
  readonly pseudoLabels: number;
  readonly pseudoLabelsFrom: number;
  /** Posterior above which an example has a pseudo-label. */
  readonly confidence: number;
}

/** Name of what goes down and of what comes up. */
export const CENTROIDS = "centroids";

/** Directions have length 1, up to rounding. */
const LONGEST = 1.001;

type Means = readonly (readonly number[] | undefined)[];

/** Whether a loss needs centroids. */
export function needsCentroids(terms: Pick<CentroidTerms, "calibration" | "pseudoLabels">): boolean {
  return terms.calibration > 0 || terms.pseudoLabels > 0;
}

const spec = (name: string, shape: readonly number[]) => ({ name, shape, role: "vector", block: name }) as const;

/**
 * Up: the direction of the mean of each group of a client's examples, and number and mean of the features of each class among
 * its labelled ones; zeros for groups and classes with fewer than `smallest` examples. Down: a centroid for each class, and
 * the strengths of the round.
 *
 * @param key of the first centroids, which are some of those that came up
 */
export function centroidStatistic(terms: CentroidTerms, shape: ClassShape, key: RandomKey): RoundStatistic {
  const { classes, features: q } = shape;
  const { groups, smallest } = terms;
  const byClass = classLayout(shape, false);
  const up = layout([spec("groups", [groups, q]), ...byClass.entries]);
  const ofGroups = up.entries.find(({ name }) => name === "groups")!;
  const down = layout([spec("rows", [classes, q]), spec("calibration", []), spec("pseudoLabels", [])]);
  const [calibration, pseudoLabels, rows] = down.entries;
  return {
    name: CENTROIDS,
    key: "training.openWorld",
    upload: { layout: up, aggregation: "each", classStatistics: true },
    broadcast: down,
    measure({ headInputs, labels }) {
      const features = headInputs();
      const known = { features, labels: labels.dtype === "int32" ? labels : cast(labels, "int32") };
      return {
        groups: localCentroids(features, { groups, smallest }),
        ...classMessage(known, classes, { minimumCount: smallest, covariances: false }),
      };
    },
    next(aggregate, before, { round }) {
      const messages = cut(aggregate, up.size);
      const points = messages.flatMap((message) => rowsOf(entryView(message, ofGroups), q)).filter(isDirection);
      if (points.length < classes) return before;
      const known = rowsOf(entryView(before, rows!), q);
      const start = known.every(isSent) ? known : drawn(points, classes, key);
      const means = meansOf(
        messages.map((message) => readClassMessage(partOf(up, message, byClass), shape, false)),
        shape,
      );
      const next = zerosLike(before);
      entryView(next, rows!).set(centroidsByClass(globalCentroids(points, start), means).flat());
      const strength = (from: number, value: number) => (round + 1 >= from ? value : 0);
      entryView(next, calibration!)[0] = strength(terms.calibrationFrom, terms.calibration);
      entryView(next, pseudoLabels!)[0] = strength(terms.pseudoLabelsFrom, terms.pseudoLabels);
      return next;
    },
  };
}

function cut(values: Vector, size: number): Vector[] {
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function rowsOf(values: Vector, width: number): number[][] {
  return cut(values, width).map((row) => Array.from(row));
}

/** Rows of zeros are of nothing. */
function isSent(row: readonly number[]): boolean {
  return row.some((value) => value !== 0);
}

/** Whether a row is of something and no longer than directions are: one that is would make all centroids NaN. */
function isDirection(row: readonly number[]): boolean {
  return isSent(row) && row.reduce((sum, value) => sum + value * value, 0) < LONGEST ** 2;
}

function drawn(points: readonly number[][], count: number, key: RandomKey): number[][] {
  const order = permutation(randomStream(key), points.length);
  return Array.from(order.subarray(0, count), (place) => points[place]!);
}

/** The mean of the labelled examples of each class over all clients. */
function meansOf(
  messages: readonly ReturnType<typeof readClassMessage>[],
  { classes, features: q }: ClassShape,
): Means {
  return Array.from({ length: classes }, (_, c) => {
    const told = messages.flatMap((message) => message[c] ?? []);
    const total = told.reduce((sum, { count }) => sum + count, 0);
    if (total === 0) return undefined;
    return Array.from(
      { length: q },
      (_entry, j) => told.reduce((sum, { count, mean }) => sum + count * mean[j]!, 0) / total,
    );
  });
}
