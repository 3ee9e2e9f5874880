import { largest } from "@anabranch/engine";
import type { EChartsOption, YAXisComponentOption } from "echarts";
import { formatCount, formatPlural } from "../../terminal/format.ts";
import type { PartitionData } from "../run-data.ts";
import { categoryAxis, frame, labelStep } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { FONT, FONT_SIZE, MUTED, SEQUENTIAL } from "./theme.ts";

const MAX_COLUMNS = 100;
const MAX_ROWS = 64;
/** Up to here every client keeps its own number; beyond, clients are ordered by their largest class. */
const MAX_NUMBERED = 40;

/** Which client holds how many examples of which class. Draws the first run that has a partition. */
export const partitionPicture: Chart = {
  id: "partition",
  title: "Label distribution across clients",
  caption(runs) {
    const partition = runs.find((run) => run.partition)?.partition;
    if (partition === undefined) return "";
    const { perColumn } = aggregate(partition.counts);
    const clients = formatPlural(partition.counts.length, "client");
    const scheme = partition.scheme === "" ? "" : `, ${partition.scheme} partition`;
    const columns =
      partition.counts.length <= MAX_NUMBERED
        ? "one column per client"
        : perColumn === 1
          ? "one column per client, ordered by largest class"
          : `ordered by largest class, each column the mean of ${perColumn} neighbours`;
    return `${clients}${scheme}: ${columns}. ${describe(partition)} White: no examples of that class.`;
  },
  option(runs) {
    const partition = runs.find((run) => run.partition)?.partition;
    if (partition === undefined || partition.counts.every((row) => row.length === 0)) return undefined;
    return heatMap(partition);
  },
};

function heatMap(partition: PartitionData): EChartsOption {
  const { columns, names, perColumn, perRow } = aggregate(partition.counts);
  const cells = columns.flatMap((column, x) => column.map((count, y) => [x, y, count] as [number, number, number]));
  const held = cells.filter(([, , count]) => count > 0);
  const most = held.reduce((max, [, , count]) => Math.max(max, count), 1);
  const rows = largest(columns.map((column) => column.length));
  const rowNames = Array.from({ length: rows }, (_, row) => String(row * perRow));
  const { grid, ...rest } = frame([]);
  return {
    ...rest,
    grid: { ...grid, right: 12, show: true, backgroundColor: "#ffffff", borderColor: "#d3dae1", borderWidth: 1 },
    xAxis: {
      ...categoryAxis(
        names === undefined ? clientAxisName(partition, perColumn) : "client",
        names ?? columns.map(() => ""),
      ),
      ...(names === undefined
        ? { axisLabel: { show: false }, nameGap: 14 }
        : { axisLabel: numberedLabels(names.length) }),
    },
    yAxis: classAxis(perRow === 1 ? "class" : `class (${perRow} per row)`, rowNames),
    visualMap: {
      type: "continuous",
      min: 0,
      max: most,
      orient: "horizontal",
      right: 8,
      top: 2,
      itemWidth: 12,
      itemHeight: 110,
      inRange: { color: SEQUENTIAL },
      text: [`${formatCount(most)} examples`, "0"],
      textStyle: labelStyle,
    },
    series: [
      {
        type: "heatmap",
        data: held,
        itemStyle: { borderColor: "#ffffff", borderWidth: columns.length > 60 ? 0.3 : 1 },
      },
    ],
  };
}

/** Classes from below upwards, about a dozen of them written. */
function classAxis(name: string, data: string[]): YAXisComponentOption {
  const step = labelStep(data.length, 12);
  return {
    type: "category",
    name,
    nameLocation: "end",
    nameTextStyle: { ...labelStyle, align: "left", padding: [0, 0, 0, -8] },
    nameGap: 12,
    data,
    axisLabel: { ...labelStyle, interval: (index: number) => index % step === 0 },
    axisLine: { show: false },
    axisTick: { show: false },
  };
}

const labelStyle = { fontFamily: FONT, fontSize: FONT_SIZE, color: MUTED } as const;

function numberedLabels(count: number) {
  const step = labelStep(count, 20);
  return { ...labelStyle, interval: (index: number) => index % step === 0 };
}

function clientAxisName(partition: PartitionData, perColumn: number): string {
  const clients = `${formatPlural(partition.counts.length, "client")}, ordered by largest class`;
  return perColumn === 1 ? clients : `${clients} (${perColumn} per column)`;
}

interface Aggregated {
  /** Mean examples [columns, rows]. */
  readonly columns: number[][];
  /** Client numbers, where every client has its own column in its own order. */
  readonly names: string[] | undefined;
  readonly perColumn: number;
  readonly perRow: number;
}

/** Orders and averages clients, and adds up neighbouring classes, until the picture has room for all of them. */
function aggregate(counts: readonly (readonly number[])[]): Aggregated {
  const classes = largest(
    counts.map((row) => row.length),
    0,
  );
  const perRow = Math.max(1, Math.ceil(classes / MAX_ROWS));
  const clients = counts.map((row) => mergeRows(row, perRow, Math.ceil(classes / perRow)));
  if (clients.length <= MAX_NUMBERED) {
    return { columns: clients, names: clients.map((_, client) => String(client)), perColumn: 1, perRow };
  }
  const ordered = clients.map((row) => ({ row, main: mainClass(row) }));
  ordered.sort((a, b) => a.main.row - b.main.row || b.main.share - a.main.share);
  const perColumn = Math.ceil(clients.length / MAX_COLUMNS);
  const columns: number[][] = [];
  for (let first = 0; first < ordered.length; first += perColumn) {
    columns.push(mean(ordered.slice(first, first + perColumn).map((client) => client.row)));
  }
  return { columns, names: undefined, perColumn, perRow };
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
