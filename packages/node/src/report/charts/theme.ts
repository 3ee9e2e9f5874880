/** Size of every chart in CSS pixels; the report scales them down on narrow screens, so type is a little large. */
export const CHART_WIDTH = 560;
export const CHART_HEIGHT = 340;
/** Height of one row of a legend; a chart grows by it for every row after the first. */
export const LEGEND_ROW = 24;

export const INK = "#1f2933";
export const MUTED = "#52606d";
export const RULE = "#e4e7eb";
export const AXIS = "#9aa5b1";
export const FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif";
export const FONT_SIZE = 13;

/** Okabe and Ito's colour-blind-safe palette (2008) without its yellow, which is too pale for lines on white. */
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#333333"] as const;

/** The colour of the i-th series; colours repeat after seven, see `seriesDash`. */
export function seriesColour(index: number): string {
  return PALETTE[index % PALETTE.length] ?? INK;
}

/** Runs beyond the palette's length are told apart by dotted lines. */
export function seriesDash(index: number): "solid" | "dotted" {
  return index < PALETTE.length ? "solid" : "dotted";
}

/** White to dark blue, lightness falling steadily, so that it prints well in grey. */
export const SEQUENTIAL = ["#e3eef9", "#9ecae1", "#4292c6", "#08519c", "#06224a"];
