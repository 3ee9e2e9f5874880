import type { Drawn, Plot } from "./plot.ts";

/** What a plot shows at a place, for a reader who points at it. */
export interface Shown {
  /** Where the values are, in pixels of the drawing. */
  readonly at: number;
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly colour: string; readonly value: string }[];
}

/** The values nearest to a place; undefined where nothing is drawn. `x` and `y` are pixels of the drawing. */
export function valuesAt(plot: Plot, frame: Omit<Drawn, "svg">, x: number, y: number): Shown | undefined {
  const { left, right, top, bottom } = frame;
  const text = (value: number) => Number(value.toPrecision(5)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  const place = (size: number, at: number, from: number, to: number) =>
    Math.min(size - 1, Math.max(0, Math.floor(((at - from) / (to - from)) * size)));
  const column = plot.x.names === undefined ? 0 : place(plot.x.names.length, x, left, right);
  const row = plot.y.names === undefined ? 0 : place(plot.y.names.length, y, top, bottom);
  const middle = left + ((column + 0.5) / (plot.x.names?.length ?? 1)) * (right - left);
  const cells = plot.marks.find((mark) => mark.kind === "cells");
  if (cells?.kind === "cells") {
    const count = cells.cells.find(([cx, cy]) => cx === column && cy === row)?.[2] ?? 0;
    const name = `${plot.y.label} ${plot.y.names?.[row] ?? row}`;
    const title = [plot.x.label, plot.x.names?.[column]].filter(Boolean).join(" ");
    return { at: middle, title, rows: [{ name, colour: "s0", value: `${text(count)} ${cells.unit}` }] };
  }
  if (plot.marks.some(({ kind }) => kind === "bars")) {
    const upright = plot.x.names !== undefined;
    const index = upright ? column : row;
    const title = upright ? `${plot.x.label} ${plot.x.names?.[index]}` : (plot.y.names?.[index] ?? "");
    const rows = plot.marks.flatMap((mark) =>
      mark.kind === "bars" ? [{ name: mark.name, colour: mark.colour, value: text(mark.values[index] ?? 0) }] : [],
    );
    return { at: upright ? middle : x, title: `${title} (${upright ? plot.y.label : plot.x.label})`, rows };
  }
  const [from, to] = frame.x;
  const wanted = from + ((x - left) / (right - left)) * (to - from);
  const nearest = plot.marks.flatMap((mark) => {
    if (mark.kind !== "line") return [];
    let best = -1;
    mark.points.forEach(([px, value], i) => {
      if (value === null || px < from || px > to) return;
      if (best < 0 || Math.abs(px - wanted) < Math.abs(mark.points[best]![0] - wanted)) best = i;
    });
    return best < 0 ? [] : [{ mark, point: mark.points[best]!, band: mark.band?.[best] }];
  });
  if (nearest.length === 0) return undefined;
  const closest = nearest.reduce((a, b) => (Math.abs(b.point[0] - wanted) < Math.abs(a.point[0] - wanted) ? b : a));
  const value = closest.point[0];
  const rows = nearest
    .filter(({ point }) => Math.abs(point[0] - value) <= (to - from) * 0.02)
    .map(({ mark, point, band }) => ({
      name: mark.name,
      colour: mark.colour,
      value: band == null ? text(point[1]!) : `${text(point[1]!)} (${text(band[0])} to ${text(band[1])})`,
    }));
  return { at: left + ((value - from) / (to - from)) * (right - left), title: `${plot.x.label} ${text(value)}`, rows };
}
