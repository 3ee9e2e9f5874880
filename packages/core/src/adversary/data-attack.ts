/**
 * What attackers do to the rows that they train on, as plain data that workers receive: false labels, or a pixel square that
 * stands for a class (T. Gu et al., "BadNets", 2017, arXiv 1708.06733; in federations E. Bagdasaryan et al., AISTATS 2020,
 * arXiv 1807.00459).
 */
import type { HostTensor } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import { flippedLabel, type LabelMap } from "./label-map.ts";

/** A bright square in images [channels, height, width]. */
export interface Trigger {
  readonly size: number;
  /** Of the upper left corner. */
  readonly row: number;
  readonly column: number;
  /** Of every pixel of it, in the units of the features. */
  readonly value: number;
}

export type DataAttack =
  | { readonly kind: "labels"; readonly map: LabelMap; readonly classes: number }
  | {
      readonly kind: "trigger";
      readonly trigger: Trigger;
      /** Label of the rows with the trigger. */
      readonly target: number;
      /** Share of an attacker's rows that get it, at least one row. */
      readonly share: number;
      /** Of the choice of rows, by client. */
      readonly key: RandomKey;
    };

/** A data attack and who does it. */
export interface Poison {
  readonly clients: readonly number[];
  readonly attack: DataAttack;
}

/** Rows of one client: features [n, ...], labels [n, ...]. */
export interface Rows {
  readonly features: HostTensor;
  readonly labels: HostTensor;
}

/** Changes an attacker's rows in place. They must be its own copy. */
export function poisonRows({ features, labels }: Rows, attack: DataAttack, client: number): void {
  if (attack.kind === "labels") {
    for (let i = 0; i < labels.data.length; i++)
      labels.data[i] = flippedLabel(labels.data[i]!, attack.classes, attack.map);
    return;
  }
  const rows = features.shape[0]!;
  const count = Math.min(rows, Math.max(1, Math.round(attack.share * rows)));
  const order = permutation(randomStream(deriveKey(attack.key, client)), rows);
  for (const row of order.subarray(0, count)) {
    stampTrigger(features, row, attack.trigger);
    labels.data[row] = attack.target;
  }
}

/** Draws the trigger into one image, on all channels. @param features [n, channels, height, width] */
export function stampTrigger({ shape, data }: HostTensor, image: number, { size, row, column, value }: Trigger): void {
  const [, channels, height, width] = shape as [number, number, number, number];
  for (let c = 0; c < channels; c++)
    for (let y = row; y < row + size; y++) {
      const begin = ((image * channels + c) * height + y) * width + column;
      data.fill(value, begin, begin + size);
    }
}

/**
 * The test of a data attack: examples that the attack would change, with the labels that attackers want. The model's accuracy
 * on them is the success rate of the attack.
 *
 * @param rows examples that may be used
 */
export function attackTest({ features, labels }: Rows, attack: DataAttack): Rows & { readonly rows: Int32Array } {
  const wanted = (label: number) =>
    attack.kind === "labels" ? flippedLabel(label, attack.classes, attack.map) : attack.target;
  const targets = { ...labels, data: labels.data.map(wanted as never) as typeof labels.data };
  const size = labels.data.length / labels.shape[0]!;
  const all = Int32Array.from({ length: labels.shape[0]! }, (_, row) => row);
  const rows = all.filter((row) => labels.data[row * size] !== targets.data[row * size]);
  if (attack.kind === "labels") return { features, labels: targets, rows };
  const stamped = { ...features, data: features.data.slice() as typeof features.data };
  for (const row of rows) stampTrigger(stamped, row, attack.trigger);
  return { features: stamped, labels: targets, rows };
}
