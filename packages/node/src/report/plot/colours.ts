/**
 * Colours of a report by name, in the light and in the dark scheme. `s0` to `s6` are those of series: Okabe and Ito's
 * colour-blind-safe palette (2008) without its yellow, which is too pale for lines on white; lighter forms of them on dark.
 */
export const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  ink: ["#1f2933", "#e6eaee"],
  muted: ["#52606d", "#a9b4c0"],
  rule: ["#e4e7eb", "#2e3740"],
  axis: ["#9aa5b1", "#66727e"],
  paper: ["#ffffff", "#171b20"],
  soft: ["#f3f6f9", "#222930"],
  good: ["#065f46", "#7fe0b8"],
  "good-soft": ["#e3f5ec", "#123a2d"],
  bad: ["#8f1414", "#ffb3ae"],
  "bad-soft": ["#fde2e1", "#4a1a1a"],
  uncertain: ["#6b4e00", "#f3d489"],
  "uncertain-soft": ["#fdf3d8", "#3f3210"],
  s0: ["#0072b2", "#56b0ee"],
  s1: ["#d55e00", "#f58f4d"],
  s2: ["#009e73", "#3fcf9f"],
  s3: ["#aa4499", "#dc8fd0"],
  s4: ["#c98a00", "#f0bd4a"],
  s5: ["#4aa3d8", "#9fd3f7"],
  s6: ["#333333", "#d5dbe1"],
  other: ["#b8c2cc", "#5b6670"],
};

const SERIES = 7;

/** The colour of the i-th series; colours repeat after seven, see `seriesDash`. */
export function seriesColour(index: number): string {
  return `s${index % SERIES}`;
}

/** Series beyond the palette's length are told apart by dotted lines. */
export function seriesDash(index: number): "solid" | "dotted" {
  return index < SERIES ? "solid" : "dotted";
}

/** The colours as CSS variables, for both schemes. */
export function colourStyle(): string {
  const scheme = (which: 0 | 1) =>
    Object.entries(COLOURS)
      .map(([name, colours]) => `--${name}: ${colours[which]};`)
      .join(" ");
  return `:root { ${scheme(0)} }\n@media screen and (prefers-color-scheme: dark) { :root { ${scheme(1)} } }`;
}

/** A drawing with the light colours in place of variables, for a file of its own. */
export function withColours(svg: string): string {
  return svg.replace(/var\(--([\w-]+)\)/g, (whole, name) => COLOURS[name]?.[0] ?? whole);
}
