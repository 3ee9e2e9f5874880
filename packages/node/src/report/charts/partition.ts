import { printable } from "@anabranch/core";
import { largest } from "@anabranch/engine";
import { formatCount, formatPlural } from "../../terminal/format.ts";
import type { Plot } from "../plot/plot.ts";
import type { PartitionData } from "../run-data.ts";
import { allRuns, type Chart, type ChartGroup } from "./chart.ts";

const MAX_COLUMNS = 100;
const MAX_ROWS = 64;
/** Up to here every client keeps its own number; beyond, clients are ordered by their largest class. */
const MAX_NUMBERED = 40;

/** Which client holds how many examples of which class. Draws the first run that has a partition. */
export const partitionPicture: Chart = {
  id: "partition",
  title: "Label distribution across clients",
  caption(groups) {
    const partition = partitionOf(groups);
    if (partition === undefined) return "";
    const { perColumn, ordered } = aggregate(partition.counts);
    const clients = formatPlural(partition.counts.length, "client");
    const scheme = partition.scheme === "" ? "" : `, ${partition.scheme} partition`;
    const order = ordered ? "ordered by largest class" : "in the order of their numbers";
    const columns =
      perColumn === 1 ? `one column per client, ${order}` : `${order}, each column the mean of ${perColumn} neighbours`;
    return `${clients}${scheme}: ${columns}. ${describe(partition)} Empty: no examples of that class.`;
  },
  plot(groups) {
    const partition = partitionOf(groups);
    if (partition === undefined || partition.counts.every((row) => row.length === 0)) return undefined;
    return cellsOf(partition);
  },
};

function partitionOf(groups: readonly ChartGroup[]): PartitionData | undefined {
  return allRuns(groups).find((run) => run.partition)?.partition;
}

function cellsOf(partition: PartitionData): Plot {
  const { columns, names: numbers, perColumn, perRow, ordered } = aggregate(partition.counts);
  const names = numbers.map((number) => printable(partition.clientNames?.[Number(number || -1)] ?? number));
  const rows = largest(columns.map((column) => column.length));
  const rowNames = Array.from({ length: rows }, (_, row) => className(partition, row * perRow));
  const cells = columns.flatMap((column, x) =>
    column.flatMap((count, y) => (count > 0 ? [[x, y, Number(count.toPrecision(4))] as const] : [])),
  );
  const clients = ordered ? "clients, ordered by largest class" : "client";
  return {
    x: { label: perColumn === 1 ? clients : `${clients} (${perColumn} per column)`, names },
    y: { label: perRow === 1 ? "class" : `class (${perRow} per row)`, names: rowNames },
    legend: [],
    marks: [{ kind: "cells", unit: "examples", cells }],
  };
}

function className({ classNames }: PartitionData, label: number): string {
  return printable(classNames?.[label] ?? String(label));
}

interface Aggregated {
  /** Mean examples [columns, rows]. */
  readonly columns: number[][];
  /** Client numbers; empty for clients in another order. */
  readonly names: string[];
  readonly perColumn: number;
  readonly perRow: number;
  /** Whether the clients are ordered by their largest class. */
  readonly ordered: boolean;
}

/** Orders and averages clients, and adds up neighbouring classes, until the picture has room for all of them. */
function aggregate(counts: readonly (readonly number[])[]): Aggregated {
  const classes = largest(
    counts.map((row) => row.length),
    0,
  );
  const perRow = Math.max(1, Math.ceil(classes / MAX_ROWS));
  const clients = counts.map((row) => mergeRows(row, perRow, Math.ceil(classes / perRow)));
  const perColumn = Math.ceil(clients.length / MAX_COLUMNS);
  const ordered = clients.length > MAX_NUMBERED && isSkewed(counts);
  const order = clients.map((row, client) => ({ row, client, main: mainClass(row) }));
  if (ordered) order.sort((a, b) => a.main.row - b.main.row || b.main.share - a.main.share);
  const columns: number[][] = [];
  const names: string[] = [];
  for (let first = 0; first < order.length; first += perColumn) {
    columns.push(mean(order.slice(first, first + perColumn).map(({ row }) => row)));
    names.push(ordered ? "" : String(order[first]!.client));
  }
  return { columns, names, perColumn, perRow, ordered };
}

/**
 * Whether clients differ by more than chance: the mean of their chi-square statistics against the classes of all clients is
 * above 1.5 times its degrees of freedom. Clients that are alike, ordered by their largest class, would show a diagonal
 * that is not there.
 */
function isSkewed(counts: readonly (readonly number[])[]): boolean {
  const total = mean(counts).map((value) => value * counts.length);
  const all = total.reduce((sum, value) => sum + value, 0);
  const used = total.map((value, label) => ({ share: value / all, label })).filter(({ share }) => share > 0);
  const holding = counts
    .map((row) => ({ row, size: row.reduce((sum, value) => sum + value, 0) }))
    .filter(({ size }) => size > 0);
  if (used.length < 2 || holding.length === 0) return false;
  const statistics = holding.map(({ row, size }) =>
    used.reduce((sum, { share, label }) => sum + ((row[label] ?? 0) - size * share) ** 2 / (size * share), 0),
  );
  const average = statistics.reduce((sum, value) => sum + value, 0) / statistics.length;
  return average > 1.5 * (used.length - 1);
}

function mergeRows(row: readonly number[], perRow: number, rows: number): number[] {
  const merged = new Array<number>(rows).fill(0);
  row.forEach((count, index) => {
    const target = Math.floor(index / perRow);
    merged[target] = (merged[target] ?? 0) + count;
  });
  return merged;
}

function mainClass(row: readonly number[]): { row: number; share: number } {
  const total = row.reduce((sum, count) => sum + count, 0);
  const most = largest(row);
  return { row: row.indexOf(most), share: total === 0 ? 0 : most / total };
}

function mean(rows: readonly (readonly number[])[]): number[] {
  const width = largest(rows.map((row) => row.length));
  return Array.from(
    { length: width },
    (_, index) => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0) / rows.length,
  );
}

/** Smallest, median and largest client, and how many classes a client holds. */
function describe(partition: PartitionData): string {
  const sizes = partition.counts.map((row) => row.reduce((sum, count) => sum + count, 0)).sort((a, b) => a - b);
  const held = partition.counts.reduce((sum, row) => sum + row.filter((count) => count > 0).length, 0) / sizes.length;
  const [least, middle, most] = [sizes[0], sizes[Math.floor(sizes.length / 2)], sizes.at(-1)].map((size) =>
    formatCount(size ?? 0),
  );
  const examples = least === most ? `${least} examples each` : `${least} to ${most} examples each (median ${middle})`;
  return `${examples}, ${held.toFixed(1)} classes per client on average.`;
}
