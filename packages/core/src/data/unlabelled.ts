import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import type { ArrayDataset } from "./dataset.ts";
import type { Partition } from "./partition.ts";

/** Which training labels nobody knows. */
export interface UnlabelledSettings {
  /** Of each client's examples of other classes. */
  readonly share: number;
  readonly classes: readonly number[];
  /** Classes that one client alone has. */
  readonly single: readonly number[];
}

/** Whether labels are hidden, or classes are at one client. */
export function hidesLabels({ share, classes, single }: UnlabelledSettings): boolean {
  return share > 0 || classes.length > 0 || single.length > 0;
}

/** A partition in which the i-th of some classes is at client i (mod N) alone; the other clients lose their examples of it. */
export function atSingleClients(
  { clients }: Partition,
  labels: HostTensor,
  { single }: Pick<UnlabelledSettings, "single">,
): Partition {
  const owners = new Map(single.map((label, i) => [label, i % clients.length]));
  const stays = (row: number, client: number) => (owners.get(labels.data[row]!) ?? client) === client;
  return { clients: clients.map((rows, client) => rows.filter((row) => stays(row, client))) };
}

/**
 * Labels in which those that are hidden are `classes`, which is no class: all of the classes that are never labelled, and
 * floor(share n) of the n other examples of each client, drawn from the key.
 *
 * @throws `data/unlabelled` for data without one class for each example, and classes that they do not have
 */
export function hiddenLabels(
  train: ArrayDataset,
  partition: Partition,
  settings: UnlabelledSettings,
  key: RandomKey,
): HostTensor {
  requireFit(train, settings);
  const data = train.labels.data.slice();
  const never = new Set(settings.classes);
  for (const [client, rows] of partition.clients.entries()) {
    const others = rows.filter((row) => !never.has(train.labels.data[row]!));
    const order = permutation(randomStream(deriveKey(key, client)), others.length);
    const count = Math.floor(settings.share * others.length + 1e-9);
    for (const place of order.subarray(0, count)) data[others[place]!] = train.classes;
    for (const row of rows) if (never.has(train.labels.data[row]!)) data[row] = train.classes;
  }
  return { ...train.labels, data };
}

function requireFit({ name, labels, classes }: ArrayDataset, settings: UnlabelledSettings): void {
  const refuse = (received: string, expected: string): never => {
    throw new AnabranchError({
      code: "data/unlabelled",
      message: "the labels of this data set cannot be hidden so",
      where: `data.unlabelled, data set ${name}`,
      received,
      expected,
    });
  };
  if (labels.dtype === "float") refuse("numbers to predict", "classes");
  if (labels.shape.length > 1) refuse("several labels per example", "one class for each example");
  if (classes > 255) refuse(`${classes} classes`, "at most 255");
  const strange = [...settings.classes, ...settings.single].find((label) => label >= classes);
  if (strange !== undefined) refuse(`class ${strange}`, `classes below ${classes}`);
  if (new Set(settings.classes).size >= classes) refuse("all classes", "at least one class that is labelled");
}
