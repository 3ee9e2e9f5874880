import { printable } from "@anabranch/core";
import { largest } from "@anabranch/engine";
import type { EChartsOption } from "echarts";
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import {
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  MarkPointComponent,
  TitleComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { escapeHtml } from "../html.ts";
import { CHART_HEIGHT, CHART_WIDTH, LEGEND_ROW } from "./theme.ts";

use([BarChart, HeatmapChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);
use([MarkAreaComponent, MarkLineComponent, MarkPointComponent, TitleComponent, VisualMapComponent]);

/**
 * Draws an option as an SVG text without a DOM. The same option and id give the same text: the renderer numbers its
 * ids by counters of the process (`zr12-c0`); here they begin with `id`, which also keeps the charts of a page apart.
 */
export function renderSvg(option: EChartsOption, id: string, title: string): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: CHART_WIDTH, height: heightOf(option) });
  try {
    chart.setOption(option);
    return tidy(chart.renderToSVGString(), id, title);
  } finally {
    chart.dispose();
  }
}

/** The plot keeps its height however many rows the legend has. */
function heightOf({ legend }: EChartsOption): number {
  const tops = [legend ?? []].flat().map((entry) => Number(entry.top));
  return (
    CHART_HEIGHT +
    LEGEND_ROW *
      largest(
        tops.map((top) => Math.floor(top / LEGEND_ROW)),
        0,
      )
  );
}

// The page is for reading and printing: styles under the mouse, their classes and the data marks go. Text cannot be hit
// by these patterns, the renderer writes `<` and quotes inside text as entities.
function tidy(svg: string, id: string, title: string): string {
  return printable(svg, "\n")
    .replace(/<style\b[^>]*>[\s\S]*?<\/style>\n?/g, "")
    .replace(/ (?:class|ecmeta_[a-z_]+|pointer-events)="[^"]*"/g, "")
    .replace(/((?:id|href|clip-path|fill|stroke|filter|mask)="[^"]*?)zr\d+-/g, `$1${id}-`)
    .replace(/^<svg /, `<svg role="img" aria-label="${escapeHtml(title)}" `);
}
