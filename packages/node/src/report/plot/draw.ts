import { drawMark, extentOf } from "./marks.ts";
import type { Drawn, LegendEntry, Plot, View } from "./plot.ts";
import { escapeText, fitText, textWidth, ticksOf, tickText } from "./scale.ts";

/** Draws a plot as SVG. The same plot and view give the same text. */
export function drawPlot(plot: Plot, view: View): Drawn {
  const { y } = plot;
  const width = Math.round(view.width);
  const places = legendPlaces(plot.legend, width);
  const rows = places.length === 0 ? 0 : places.at(-1)!.row + 1;
  const domainX: [number, number] = [view.from ?? extentOf(plot, "x")[0], view.to ?? extentOf(plot, "x")[1]];
  const domainY = extentOf(plot, "y", view);
  const top = rows * 22 + 28;
  const isGraph = plot.marks.some(({ kind }) => kind === "graph");
  const plain = isGraph ? 340 : width < 420 ? 200 : 250;
  const tall = y.names === undefined ? plain : Math.max(plain * 0.6, Math.min(plain * 1.2, y.names.length * 34));
  const bottom = top + Math.round(tall);
  const ticksY = y.names === undefined ? ticksOf(domainY[0], domainY[1], 5, y.integer === true) : [];
  const stepY = ticksY.length > 1 ? ticksY[1]! - ticksY[0]! : 0;
  const textsY = y.names ?? ticksY.map((tick) => tickText(tick, stepY));
  const room = Math.min(width * 0.36, Math.max(...textsY.map(textWidth), 14));
  const frame = { left: Math.round(room) + 12, right: width - 14, top, bottom, x: domainX, y: domainY };
  const parts = [
    `<rect width="${width}" height="${bottom + 44}" fill="var(--paper)"/>`,
    ...places.map(({ entry, at, row }) => legendEntry(entry, at, row, width)),
    ...(isGraph ? [] : [...axisY(plot, frame, ticksY, textsY, room), ...axisX(plot, frame)]),
    ...plot.marks.map((_, index) => drawMark(plot, index, frame, view.smooth === true)),
  ];
  const size = `width="${width}" height="${bottom + 44}" viewBox="0 0 ${width} ${bottom + 44}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif" font-size="13">${parts.join("\n")}</svg>`;
  return { svg, ...frame };
}

/** Where legend entries are, row by row. A legend of one entry says nothing that the title does not. */
export function legendPlaces(legend: readonly LegendEntry[], width: number) {
  let at = 0;
  let row = 0;
  if (legend.length < 2) return [];
  return legend.map((entry) => {
    const wide = Math.min(width - 12, 24 + textWidth(entry.name)) + 14;
    if (at > 0 && at + wide > width - 6) {
      at = 0;
      row++;
    }
    at += wide;
    return { entry, at: at - wide + 6, row };
  });
}

export function legendEntry({ name, colour }: LegendEntry, at: number, row: number, width: number): string {
  const y = row * 22 + 12;
  const text = escapeText(fitText(name, width - 42));
  return `<rect x="${at}" y="${y - 5}" width="16" height="10" rx="2" fill="var(--${colour})"/><text x="${at + 22}" y="${y + 4.5}" fill="var(--ink)">${text}</text>`;
}

/** Title, grid and ticks of the vertical axis. An axis of curves that does not begin at 0 says so. */
export function axisY(
  { y }: Plot,
  frame: Omit<Drawn, "svg">,
  ticks: readonly number[],
  texts: readonly string[],
  room: number,
): string[] {
  const { left, right, top, bottom } = frame;
  const [low, high] = frame.y;
  const broken = y.names === undefined && low > 0 ? ` · axis begins at ${tickText(low, ticks[1]! - ticks[0]!)}` : "";
  const title = fitText(`${y.label}${broken}`, right - 6);
  const heading = `<text x="6" y="${top - 11}" fill="var(--muted)">${escapeText(title)}</text>`;
  if (y.names !== undefined) {
    const slot = (bottom - top) / y.names.length;
    const step = Math.ceil(18 / slot);
    return [
      heading,
      ...texts.flatMap((text, index) =>
        index % step !== 0
          ? []
          : `<text x="${left - 8}" y="${(top + (index + 0.5) * slot + 4.5).toFixed(1)}" text-anchor="end" fill="var(--ink)">${escapeText(fitText(text, room))}</text>`,
      ),
    ];
  }
  return [
    heading,
    ...ticks.map((tick, index) => {
      const at = (bottom - ((tick - low) / (high - low)) * (bottom - top)).toFixed(1);
      return `<path d="M${left} ${at}H${right}" stroke="var(--rule)"/><text x="${left - 8}" y="${Number(at) + 4.5}" text-anchor="end" fill="var(--muted)">${texts[index]}</text>`;
    }),
  ];
}

/** Line, ticks and title of the horizontal axis. */
export function axisX({ x }: Plot, frame: Omit<Drawn, "svg">): string[] {
  const { left, right, bottom } = frame;
  const [low, high] = frame.x;
  const text = (at: number, label: string) =>
    `<text x="${at.toFixed(1)}" y="${bottom + 18}" text-anchor="middle" fill="var(--muted)">${escapeText(label)}</text>`;
  const title = escapeText(fitText(x.label, right - left));
  const parts = [
    `<path d="M${left} ${bottom}H${right}" stroke="var(--axis)"/>`,
    `<text x="${(left + right) / 2}" y="${bottom + 37}" text-anchor="middle" fill="var(--muted)">${title}</text>`,
  ];
  if (x.names !== undefined) {
    const slot = (right - left) / x.names.length;
    const widest = Math.max(...x.names.map(textWidth));
    const step = Math.ceil((widest + 8) / slot);
    const shown = x.names.flatMap((name, i) => (i % step === 0 ? text(left + (i + 0.5) * slot, name) : []));
    return [...parts, ...shown];
  }
  const ticks = ticksOf(low, high, Math.max(2, Math.floor((right - left) / 90)), x.integer === true);
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 1;
  return [
    ...parts,
    ...ticks.map((tick) => {
      const at = left + ((tick - low) / (high - low || 1)) * (right - left);
      return `<path d="M${at.toFixed(1)} ${bottom}v5" stroke="var(--axis)"/>${text(at, tickText(tick, step))}`;
    }),
  ];
}
