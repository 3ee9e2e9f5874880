import { drawGraph } from "./graph-mark.ts";
import type { Drawn, Line, Plot, View } from "./plot.ts";
import { escapeText, smoothed, tickText } from "./scale.ts";

/** The ends of an axis: as given, or around what is seen of the data; [0, 1] where there is nothing. */
export function extentOf(plot: Plot, axis: "x" | "y", view?: View): [number, number] {
  const { names, min, max } = plot[axis];
  if (names !== undefined) return [0, names.length];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const add = (value: number) => {
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  const sums: number[] = [];
  for (const mark of plot.marks) {
    if (mark.kind === "bars") {
      mark.values.forEach((value, i) => {
        sums[i] = (sums[i] ?? 0) + value;
      });
    }
    if (mark.kind !== "line") continue;
    mark.points.forEach(([x, y], i) => {
      const seen = x >= (view?.from ?? Number.NEGATIVE_INFINITY) && x <= (view?.to ?? Number.POSITIVE_INFINITY);
      if (y === null || !seen) return;
      add(axis === "x" ? x : y);
      if (axis === "y") mark.band?.[i]?.forEach(add);
    });
  }
  sums.forEach(add);
  if (sums.length > 0) add(0);
  if (!(low <= high)) [low, high] = [0, 1];
  if (view?.from === undefined || axis === "x") {
    low = min ?? low;
    high = max ?? high;
  }
  if (axis === "x") return low === high ? [low, low + 1] : [low, high];
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  const zero = low >= 0 && low < 0.35 * high;
  const whole = view?.from === undefined;
  return [whole && min !== undefined ? min : zero ? 0 : low - margin, whole && max !== undefined ? max : high + margin];
}

export function drawMark(plot: Plot, index: number, frame: Omit<Drawn, "svg">, smooth: boolean): string {
  const mark = plot.marks[index]!;
  const { left, right, top, bottom } = frame;
  const px = (x: number) => left + ((x - frame.x[0]) / (frame.x[1] - frame.x[0])) * (right - left);
  const py = (y: number) => bottom - ((y - frame.y[0]) / (frame.y[1] - frame.y[0])) * (bottom - top);
  switch (mark.kind) {
    case "line":
      return drawLine(mark, frame, smooth);
    case "ring": {
      const { x, y, colour } = mark;
      const text = right < 420 ? mark.short : mark.text;
      const words = `<text x="${right}" y="${top - 11}" text-anchor="end" font-weight="600" fill="var(--${colour})">${escapeText(text)}</text>`;
      if (x < frame.x[0] || x > frame.x[1] || y > frame.y[1] || y < frame.y[0]) return words;
      return `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="5" fill="var(--paper)" stroke="var(--${colour})" stroke-width="2.5"/>${words}`;
    }
    case "rule": {
      const at = py(mark.y).toFixed(1);
      return `<path d="M${left} ${at}H${right}" stroke="var(--axis)" stroke-dasharray="6 4" stroke-width="1.5"/><text x="${right - 6}" y="${Number(at) - 6}" text-anchor="end" fill="var(--muted)">${escapeText(mark.text)}</text>`;
    }
    case "graph":
      return drawGraph(mark, frame);
    case "bars":
      return drawBars(plot, index, frame);
    case "cells": {
      const most = Math.max(1, ...mark.cells.map(([, , count]) => count));
      const [wide, high] = [(right - left) / frame.x[1], (bottom - top) / frame.y[1]];
      const gap = Math.min(wide, high) > 6 ? 1 : 0;
      const shade = (share: number) => (0.12 + 0.88 * share).toFixed(3);
      const cells = mark.cells.map(
        ([x, y, count]) =>
          `<rect x="${(left + x * wide).toFixed(1)}" y="${(top + y * high).toFixed(1)}" width="${(wide - gap).toFixed(1)}" height="${(high - gap).toFixed(1)}" fill-opacity="${shade(count / most)}"/>`,
      );
      const keys = [0.1, 0.4, 0.7, 1].map(
        (share, i) =>
          `<rect x="${right - 56 + i * 14}" y="${top - 21}" width="13" height="11" fill-opacity="${shade(share)}"/>`,
      );
      const words = `<text x="${right - 64}" y="${top - 11}" text-anchor="end" fill="var(--muted)">up to ${tickText(most, 1)}</text>`;
      return `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="var(--rule)"/><g fill="var(--s0)">${cells.join("")}${keys.join("")}</g>${words}`;
    }
  }
}

/** A curve with its band; smoothed, the measured one is pale behind it. */
export function drawLine({ points, band, colour, dash }: Line, frame: Omit<Drawn, "svg">, smooth: boolean): string {
  const { left, right, top, bottom } = frame;
  const px = (x: number) => (left + ((x - frame.x[0]) / (frame.x[1] - frame.x[0])) * (right - left)).toFixed(1);
  const py = (y: number) =>
    (
      bottom -
      ((Math.min(Math.max(y, frame.y[0]), frame.y[1]) - frame.y[0]) / (frame.y[1] - frame.y[0])) * (bottom - top)
    ).toFixed(1);
  const seen = points.map(([x]) => x >= frame.x[0] && x <= frame.x[1]);
  const path = (of: readonly (readonly [number, number | null])[]) => {
    let open = false;
    return of
      .map(([x, y], i) => {
        const drawn = y !== null && seen[i] === true;
        const step = drawn ? `${open ? "L" : "M"}${px(x)} ${py(y)}` : "";
        open = drawn;
        return step;
      })
      .join("");
  };
  const dashes = dash === "solid" ? "" : ` stroke-dasharray="${dash === "dashed" ? "7 5" : "2 4"}"`;
  const stroke = (of: readonly (readonly [number, number | null])[], style: string) =>
    `<path d="${path(of)}" fill="none" stroke="var(--${colour})" stroke-linejoin="round" stroke-linecap="round" ${style}/>`;
  const edges = points.flatMap(([x], i) => {
    const edge = band?.[i];
    return edge == null || seen[i] !== true ? [] : [{ x: px(x), low: py(edge[0]), high: py(edge[1]) }];
  });
  const area =
    edges.length < 2
      ? ""
      : `<path d="M${edges.map(({ x, high }) => `${x} ${high}`).join("L")}L${[...edges]
          .reverse()
          .map(({ x, low }) => `${x} ${low}`)
          .join("L")}Z" fill="var(--${colour})" fill-opacity="0.16"/>`;
  const inView = points.filter(([, y], i) => y !== null && seen[i] === true);
  const isFew = inView.length <= 12 && dash !== "dashed";
  const dots = !isFew
    ? ""
    : inView.map(([x, y]) => `<circle cx="${px(x)}" cy="${py(y!)}" r="2.8" fill="var(--${colour})"/>`).join("");
  if (!smooth || points.length < 8) return `${area}${stroke(points, `stroke-width="2.2"${dashes}`)}${dots}`;
  return `${area}${stroke(points, 'stroke-width="1" stroke-opacity="0.45"')}${stroke(smoothed(points), `stroke-width="2.4"${dashes}`)}`;
}

/** One layer of stacked bars, on those before it; upright where the x axis has the names. */
export function drawBars(plot: Plot, index: number, frame: Omit<Drawn, "svg">): string {
  const mark = plot.marks[index]!;
  if (mark.kind !== "bars") return "";
  const { left, right, top, bottom } = frame;
  const upright = plot.x.names !== undefined;
  const [low, high] = upright ? frame.y : frame.x;
  const length = upright ? bottom - top : right - left;
  const slot = (upright ? right - left : bottom - top) / mark.values.length;
  const thick = Math.min(slot * 0.76, upright ? slot : 30);
  const bars = mark.values.map((value, i) => {
    const before = plot.marks
      .slice(0, index)
      .reduce((sum, one) => sum + (one.kind === "bars" ? (one.values[i] ?? 0) : 0), 0);
    const size = ((value / (high - low)) * length).toFixed(1);
    const from = ((before - low) / (high - low)) * length;
    const across = (i + 0.5) * slot - thick / 2;
    return upright
      ? `<rect x="${(left + across).toFixed(1)}" y="${(bottom - from - Number(size)).toFixed(1)}" width="${thick.toFixed(1)}" height="${size}"/>`
      : `<rect x="${(left + from).toFixed(1)}" y="${(top + across).toFixed(1)}" width="${size}" height="${thick.toFixed(1)}"/>`;
  });
  return `<g fill="var(--${mark.colour})">${bars.join("")}</g>`;
}
