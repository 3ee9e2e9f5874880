import { createHash } from "node:crypto";
import { jsonText } from "@anabranch/core";
import { axisX, axisY, drawPlot, legendEntry, legendPlaces } from "./draw.ts";
import { enliven } from "./enliven.ts";
import { drawGraph } from "./graph-mark.ts";
import { LivePlot } from "./live-plot.ts";
import { drawBars, drawLine, drawMark, extentOf } from "./marks.ts";
import type { Plot } from "./plot.ts";
import { escapeText, fitText, smoothed, textWidth, ticksOf, tickText } from "./scale.ts";
import { valuesAt } from "./values-at.ts";

const PARTS = [
  ...[ticksOf, tickText, escapeText, textWidth, fitText, smoothed],
  ...[extentOf, drawMark, drawLine, drawBars, drawGraph],
  ...[drawPlot, legendPlaces, legendEntry, axisY, axisX],
  ...[valuesAt, LivePlot, enliven],
];

/** The script of a report: the functions and the class that draw its charts here, as text, so that there is one way to draw them. */
export const SCRIPT = `"use strict";\n${PARTS.map(String).join("\n")}\nenliven();\n`;

/** Allows this script and no other (Content Security Policy, Level 2). */
export const SCRIPT_SOURCE = `'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`;

/** Plots as JSON inside of a script element, which no text in them can end. */
export function plotData(plots: readonly Plot[]): string {
  return jsonText(plots).replaceAll("<", "\\u003c");
}
