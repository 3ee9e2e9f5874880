import type { Figure, FigureSection } from "./figures.ts";
import { escapeHtml, type Html, html, trusted } from "./html.ts";
import { withColours } from "./plot/colours.ts";
import { drawPlot } from "./plot/draw.ts";
import { plotData, SCRIPT } from "./plot/page-script.ts";
import type { Plot } from "./plot/plot.ts";
import { POLICY } from "./policy.ts";
import { STYLE } from "./style.ts";

/** Width at which charts are drawn for readers without scripts, in CSS pixels. */
const CHART_WIDTH = 560;

/** A whole page: title, inline style sheet, content, and the script that draws its charts anew. It needs no other file. */
export function page(title: string, content: readonly Html[], sections: readonly FigureSection[] = []): string {
  const plots = sections.flatMap(({ figures }) => figures.map(({ plot }) => plot));
  const script =
    plots.length === 0
      ? undefined
      : html`<script type="application/json" id="plots">${trusted(plotData(plots))}</script>
<script>${trusted(SCRIPT)}</script>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Anabranch">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
${content}
</main>
${script}
</body>
</html>
`.html;
}

/** A titled part of the page. */
export function section(heading: string, content: readonly Html[]): Html {
  return html`<section>
<h2>${heading}</h2>
${content}
</section>`;
}

/** Figures beside one another, as many as fit. */
export function grid(figures: readonly Html[]): Html {
  return html`<div class="grid">
${figures}
</div>`;
}

/** One chart with its title and caption. */
export function figure({ index, title, caption, plot }: Figure): Html {
  return html`<figure>
<h3>${title}</h3>
<div class="plot" data-plot="${index}"><div class="drawing" role="img" aria-label="${title}">${trusted(drawPlot(plot, { width: CHART_WIDTH }).svg)}</div></div>
<figcaption>${keepUnits(caption)}</figcaption>
</figure>`;
}

/** A chart as a file of its own, in the light colours. */
export function chartFile(title: string, plot: Plot): string {
  const svg = withColours(drawPlot(plot, { width: CHART_WIDTH }).svg);
  return svg.replace("<svg ", `<svg role="img" aria-label="${escapeHtml(title)}" `);
}

/** What readers can do with the charts, where the script runs; nothing on a page without charts. */
export function chartControls(sections: readonly FigureSection[]): Html {
  if (sections.every(({ figures }) => figures.length === 0)) return html``;
  return html`<p class="controls"><label hidden><input type="checkbox" id="smooth"> Smooth curves
<span>(mean over a twentieth of the points). Point at a chart for values; drag across it to zoom, double-click for the whole range.</span></label></p>`;
}

/** A section of figures and cards; none where there is neither. */
export function gridSection(heading: string, figures: readonly Figure[], cards: readonly Html[] = []): Html[] {
  const content = [...figures.map(figure), ...cards];
  return content.length === 0 ? [] : [section(heading, [grid(content)])];
}

/** Keeps numbers and their percent signs on one line. */
export function keepUnits(text: string): string {
  return text.replace(/(\d) %/g, "$1\u00a0%");
}

/** A titled box in a grid of figures. */
export function card(title: string, content: readonly Html[]): Html {
  return html`<div class="card">
<h3>${title}</h3>
${content}
</div>`;
}

/** Key metrics in large type. */
export function tiles(entries: readonly { label: string; value: string; note?: string }[]): Html {
  const cells = entries.map(
    ({ label, value, note }) =>
      html`<div class="tile"><dt>${label}</dt><dd>${value}</dd>${note ? html`<dd class="note">${note}</dd>` : undefined}</div>`,
  );
  return html`<dl class="tiles">
${cells}
</dl>`;
}

/** A row of a table. `heading`: a line above it that begins a part of the table. */
export interface Row {
  readonly cells: readonly (string | Html)[];
  readonly heading?: string;
}

/** From so many columns on a table is wider than a phone. */
const WIDE = 5;

/** A table; every column but the first is set as figures unless named in `texts` (column indices). */
export function table(head: readonly string[], rows: readonly Row[], texts: readonly number[] = [0]): Html {
  const kind = (index: number) => (texts.includes(index) ? "text" : "figure");
  // ids and names are not broken at their hyphens
  const isShort = (cell: string | Html) => typeof cell === "string" && cell.length <= 40;
  const cellKind = (cell: string | Html, index: number) => `${kind(index)}${isShort(cell) ? " short" : ""}`;
  const header = head.map((cell, index) => html`<th scope="col" class="${kind(index)}">${cell}</th>`);
  const body = rows.flatMap(({ cells, heading }) => [
    ...(heading === undefined
      ? []
      : [html`<tr class="part"><th scope="rowgroup" colspan="${head.length}">${heading}</th></tr>`]),
    html`<tr>${cells.map((cell, index) => html`<td class="${cellKind(cell, index)}">${cell}</td>`)}</tr>`,
  ]);
  const hint =
    head.length < WIDE ? undefined : html`<p class="hint" aria-hidden="true">Scroll the table sideways →</p>`;
  return html`${hint}<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>
<thead><tr>${header}</tr></thead>
<tbody>
${body}
</tbody>
</table></div>`;
}

/** Names and values beneath one another; pairs without a value are left out. */
export function pairs(entries: readonly (readonly [string, string])[]): Html {
  const known = entries.filter(([, value]) => value !== "");
  return html`<dl class="pairs">
${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>`;
}
