import { largest } from "@anabranch/engine";
import type {
  EChartsOption,
  LegendComponentOption,
  LineSeriesOption,
  XAXisComponentOption,
  YAXisComponentOption,
} from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { AXIS, CHART_WIDTH, FONT, FONT_SIZE, INK, LEGEND_ROW, MUTED, RULE, seriesColour, seriesDash } from "./theme.ts";

export type Point = readonly [x: number, y: number];

/** Colour and dash of one series of the legend. */
export interface LegendEntry {
  readonly name: string;
  readonly colour: string;
}

const SYMBOL_WIDTH = 22;
/** Mean width of a character in a wide system font at `FONT_SIZE`. */
const CHARACTER_WIDTH = 7.2;
const ITEM_GAP = 16;

/** A chart's frame: background, type, legend above, grid below it. Legends of one entry are left out. */
export function frame(legend: readonly LegendEntry[]): EChartsOption {
  const entries = legend.length > 1 ? legendEntries(legend) : [];
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT, fontSize: FONT_SIZE, color: INK },
    ...(entries.length > 0 && { legend: entries }),
    grid: {
      left: 10,
      right: 22,
      top: legendRows(legend) * LEGEND_ROW + 38,
      bottom: 34,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
  };
}

/** Rows that the legend takes; none where there is no legend. */
function legendRows(legend: readonly LegendEntry[]): number {
  return legend.length > 1 ? 1 + largest(places(legend).map(({ row }) => row)) : 0;
}

/** Each entry is a legend of its own: the renderer's own layout puts long names into one another, see `places`. */
function legendEntries(legend: readonly LegendEntry[]): LegendComponentOption[] {
  return places(legend).map(({ entry: { name, colour }, x, row }) => ({
    data: [{ name, itemStyle: { color: colour }, lineStyle: { color: colour } }],
    left: 6 + x,
    top: row * LEGEND_ROW + 2,
    itemWidth: SYMBOL_WIDTH,
    itemHeight: 10,
    textStyle: { fontFamily: FONT, fontSize: FONT_SIZE, color: INK },
  }));
}

/** Where the entries of a legend stand, by a generous estimate of how wide their names are. */
function places(legend: readonly LegendEntry[]): { entry: LegendEntry; x: number; row: number }[] {
  let x = 0;
  let row = 0;
  return legend.map((entry) => {
    const width = SYMBOL_WIDTH + 5 + CHARACTER_WIDTH * [...entry.name].length;
    if (x > 0 && x + width > CHART_WIDTH - 12) {
      row++;
      x = 0;
    }
    const place = { entry, x, row };
    x += width + ITEM_GAP;
    return place;
  });
}

const axisText = { fontFamily: FONT, fontSize: FONT_SIZE, color: MUTED } as const;

/** A horizontal axis of numbers, titled below its middle. */
export function xAxis(name: string, range: { min?: number; max?: number } = {}): XAXisComponentOption {
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: 28,
    nameTextStyle: axisText,
    ...range,
    minInterval: name === "round" ? 1 : 0,
    axisLabel: { ...axisText, hideOverlap: true },
    axisLine: { show: true, onZero: false, lineStyle: { color: AXIS } },
    axisTick: { show: true, lineStyle: { color: AXIS } },
    splitLine: { show: false },
  };
}

/** A horizontal axis of names, every `step`-th of them written. */
export function categoryAxis(name: string, data: readonly string[], step = 1): XAXisComponentOption {
  return {
    type: "category",
    name,
    nameLocation: "middle",
    nameGap: 28,
    nameTextStyle: axisText,
    data: [...data],
    axisLabel: { ...axisText, interval: (index: number) => (index + 1) % step === 0 || (index === 0 && step > 2) },
    axisLine: { show: true, lineStyle: { color: AXIS } },
    axisTick: { show: false },
  };
}

/** A vertical axis of numbers, titled above its upper end so that the title reads horizontally. */
export function yAxis(name: string, range: { min?: number; max?: number } = {}): YAXisComponentOption {
  return {
    type: "value",
    name,
    nameLocation: "end",
    nameGap: 14,
    nameTextStyle: { ...axisText, align: "left", padding: [0, 0, 0, -8] },
    ...range,
    scale: range.min === undefined,
    axisLabel: axisText,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: RULE } },
  };
}

/** One curve through the points that have a number on both axes; where they are few, solid curves mark them. */
export function curve(
  name: string,
  colour: string,
  points: readonly Point[],
  dash: "solid" | "dashed" | "dotted" = "solid",
): LineSeriesOption {
  const data = finite(points);
  return {
    type: "line",
    name,
    data,
    showSymbol: data.length <= 12 && dash !== "dashed",
    symbol: "circle",
    symbolSize: 5,
    itemStyle: { color: colour },
    lineStyle: { color: colour, width: 2.2, type: dash },
    ...(data.length > 1500 && { sampling: "lttb" }),
  };
}

/** One curve a run over the same axes, the runs told apart by colour and dash. */
export function overlay(
  runs: readonly RunData[],
  curves: readonly (readonly Point[])[],
  axes: Pick<EChartsOption, "xAxis" | "yAxis">,
): EChartsOption {
  const labels = runLabels(runs);
  return {
    ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
    ...axes,
    series: curves.map((points, index) => curve(labels[index] ?? "", seriesColour(index), points, seriesDash(index))),
  };
}

/** The points whose coordinates are both finite. */
export function finite(points: readonly Point[]): [number, number][] {
  return points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)).map(([x, y]) => [x, y]);
}

/** A round step (1, 2, 5, 10, 20, ...) that writes at most `most` of `count` labels. */
export function labelStep(count: number, most = 8): number {
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 5]) if (count / (factor * power) <= most) return factor * power;
  }
}

/** Last round of all runs, planned or reached: the common end of their round axes. */
export function lastRound(
  runs: readonly { rounds: readonly { round: number }[]; evaluations: readonly { round: number }[] }[],
): number {
  return largest(
    runs.map((run) => Math.max(run.rounds.at(-1)?.round ?? 0, run.evaluations.at(-1)?.round ?? 0)),
    1,
  );
}
