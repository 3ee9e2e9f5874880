import { type Html, html, trusted } from "./html.ts";

/** What a page may do: show its own styles. No script, no address, no form, whatever a name in it might have smuggled in. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A whole page: title, inline style sheet, content. It needs no script, no network and no other file. */
export function page(title: string, content: readonly Html[]): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<meta name="generator" content="Anabranch">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
${content}
</main>
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

/** One chart with its title and caption. `svg` is the renderer's own output. */
export function figure(title: string, svg: string, caption: string): Html {
  return html`<figure>
<h3>${title}</h3>
${trusted(svg)}
<figcaption>${keepUnits(caption)}</figcaption>
</figure>`;
}

/** A section of figures and cards; none where there is neither. */
export function gridSection(
  heading: string,
  figures: readonly { readonly title: string; readonly svg: string; readonly caption: string }[],
  cards: readonly Html[] = [],
): Html[] {
  const content = [...figures.map(({ title, svg, caption }) => figure(title, svg, caption)), ...cards];
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

/** A table; every column but the first is set as figures unless named in `texts` (column indices). */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
  texts: readonly number[] = [0],
): Html {
  const kind = (index: number) => (texts.includes(index) ? "text" : "figure");
  const header = head.map((cell, index) => html`<th scope="col" class="${kind(index)}">${cell}</th>`);
  const body = rows.map(
    (row) => html`<tr>${row.map((cell, index) => html`<td class="${kind(index)}">${cell}</td>`)}</tr>`,
  );
  return html`<div class="scroll"><table>
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

const STYLE = `
*, *::before, *::after { box-sizing: border-box; }
html { color-scheme: light; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: #1f2933; line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 48px; }
header { border-bottom: 1px solid #e4e7eb; padding-bottom: 20px; margin-bottom: 24px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 10px; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 40px 0 14px; }
h3 { font-size: 16px; margin: 0 0 6px; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 75ch; overflow-wrap: anywhere; }
.eyebrow { color: #52606d; font-size: 14px; margin: 0 0 4px; }
.badges { display: flex; flex-wrap: wrap; gap: 8px; margin: 0; padding: 0; list-style: none; }
.badges li { background: #f0f4f8; border-radius: 999px; padding: 3px 12px; font-size: 14px; overflow-wrap: anywhere; }
.badges .good { background: #e3f5ec; color: #065f46; }
.badges .bad { background: #fde2e1; color: #8f1414; font-weight: 600; }
.badges .uncertain { background: #fdf3d8; color: #6b4e00; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0; }
.tile { border: 1px solid #e4e7eb; border-radius: 10px; padding: 12px 16px; min-width: 0; }
.tile dt { color: #52606d; font-size: 14px; }
.tile dd { margin: 2px 0 0; font-size: 24px; line-height: 1.25; font-weight: 600; overflow-wrap: anywhere; }
.tile dd.note { font-size: 13px; font-weight: 400; color: #52606d; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px; }
figure, .card { margin: 0; border: 1px solid #e4e7eb; border-radius: 10px; padding: 14px 16px; min-width: 0; break-inside: avoid; }
.grid > :last-child:nth-child(odd) { grid-column: 1 / -1; }
figure svg { display: block; width: 100%; height: auto; max-width: 680px; margin: 0 auto; }
figcaption { color: #52606d; font-size: 14px; margin-top: 8px; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-bottom: 12px; }
.card .scroll { margin-bottom: 8px; max-width: 560px; }
.card p, .card li { color: #52606d; font-size: 14px; margin: 0; max-width: 100ch; overflow-wrap: anywhere; }
.card ul { margin: 6px 0; padding-left: 20px; }
table { border-collapse: collapse; font-size: 15px; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid #e4e7eb; vertical-align: top; }
th { color: #52606d; font-weight: 600; font-size: 14px; vertical-align: bottom; }
th.text, td.text { text-align: left; overflow-wrap: break-word; }
td:first-child { white-space: nowrap; }
tr > :last-child { padding-right: 0; }
th.figure, td.figure { text-align: right; white-space: nowrap; }
.best { font-weight: 700; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 8px; }
.pairs { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 5px 18px; margin: 0 0 12px; font-size: 15px; }
.pairs dt { color: #52606d; }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
pre { background: #f5f7fa; border: 1px solid #e4e7eb; border-radius: 8px; padding: 14px 16px; margin: 0 0 12px;
  overflow-x: auto; font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
details { margin: 0 0 12px; }
summary { cursor: pointer; font-weight: 600; margin-bottom: 8px; }
footer { color: #52606d; font-size: 14px; margin-top: 40px; border-top: 1px solid #e4e7eb; padding-top: 16px; }
@media (max-width: 560px) {
  main { padding: 20px 14px 32px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 32px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 10px; }
  .tile { padding: 10px 12px; }
  .tile dd { font-size: 20px; }
  figure { padding: 10px 8px; }
  td, th { padding-right: 10px; }
  figure h3, figcaption { padding: 0 4px; }
}
@media print {
  main { max-width: none; padding: 0; }
  pre { white-space: pre-wrap; }
  h2, h3 { break-after: avoid; }
  .tile, tr { break-inside: avoid; }
}
`;
