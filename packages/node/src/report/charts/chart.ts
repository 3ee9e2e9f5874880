import type { EChartsOption } from "echarts";
import type { RunData } from "../run-data.ts";

/** One picture of a report. Drawn for one run or for several beside one another. */
export interface Chart {
  /** Name of its file in charts/, and prefix of the ids inside its SVG. */
  readonly id: string;
  readonly title: string;
  /** One or two plain sentences: what is drawn and how to read it. */
  caption(runs: readonly RunData[]): string;
  /** The picture as an ECharts option; undefined where the runs hold nothing to draw. */
  option(runs: readonly RunData[]): EChartsOption | undefined;
}
