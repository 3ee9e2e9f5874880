import { colourStyle } from "./plot/colours.ts";

/** The style sheet of a report, in both colour schemes. */
export const STYLE = `${colourStyle()}
*, *::before, *::after { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 48px; }
header { border-bottom: 1px solid var(--rule); padding-bottom: 20px; margin-bottom: 24px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 10px; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 40px 0 14px; }
h3 { font-size: 16px; margin: 0 0 6px; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 75ch; overflow-wrap: anywhere; }
.eyebrow { color: var(--muted); font-size: 14px; margin: 0 0 4px; }
.badges { display: flex; flex-wrap: wrap; gap: 8px; margin: 0; padding: 0; list-style: none; }
.badges li { background: var(--soft); border-radius: 999px; padding: 3px 12px; font-size: 14px; overflow-wrap: anywhere; }
.badges .good { background: var(--good-soft); color: var(--good); }
.badges .bad { background: var(--bad-soft); color: var(--bad); font-weight: 600; }
.badges .uncertain { background: var(--uncertain-soft); color: var(--uncertain); }
.end.bad { color: var(--bad); font-weight: 600; }
.end.uncertain { color: var(--uncertain); }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0; }
.tile { border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; min-width: 0; }
.tile dt { color: var(--muted); font-size: 14px; }
.tile dd { margin: 2px 0 0; font-size: 24px; line-height: 1.25; font-weight: 600; overflow-wrap: anywhere; }
.tile dd.note { font-size: 13px; font-weight: 400; color: var(--muted); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px; }
figure, .card { margin: 0; border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; min-width: 0; break-inside: avoid; }
.grid > :last-child:nth-child(odd) { grid-column: 1 / -1; }
.plot { position: relative; overflow-x: auto; }
.plot svg { display: block; margin: 0 auto; max-width: none; }
.drawing { touch-action: pan-y; user-select: none; cursor: crosshair; }
.drawing:focus-visible, .scroll:focus-visible, pre:focus-visible { outline: 2px solid var(--s0); outline-offset: 2px; }
.cross, .chosen, .tip { position: absolute; pointer-events: none; }
.cross { width: 0; border-left: 1px dashed var(--muted); }
.chosen { background: var(--s0); opacity: 0.15; }
.tip { z-index: 1; max-width: 70%; padding: 6px 10px; border-radius: 8px; border: 1px solid var(--rule); background: var(--soft); color: var(--ink); font-size: 13px; box-shadow: 0 2px 8px rgb(0 0 0 / 0.15); overflow-wrap: anywhere; }
.tip span { display: block; }
.tip i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
.whole { position: absolute; right: 0; bottom: 0; font: inherit; font-size: 13px; padding: 2px 10px; border-radius: 8px; border: 1px solid var(--axis); background: var(--soft); color: var(--ink); cursor: pointer; }
[hidden] { display: none !important; }
.controls { max-width: none; margin: 24px 0 -16px; font-size: 15px; }
.controls span { color: var(--muted); }
.notes { color: var(--muted); font-size: 14px; margin: 8px 0 12px; padding-left: 20px; max-width: 110ch; overflow-wrap: anywhere; }
figcaption { color: var(--muted); font-size: 14px; margin-top: 8px; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-bottom: 12px; }
.hint { display: none; color: var(--muted); font-size: 13px; margin: 0 0 4px; }
.part th { text-align: left; color: var(--ink); padding-top: 16px; }
.card .scroll { margin-bottom: 8px; max-width: 560px; }
.card p, .card li { color: var(--muted); font-size: 14px; margin: 0; max-width: 100ch; overflow-wrap: anywhere; }
.card ul { margin: 6px 0; padding-left: 20px; }
table { border-collapse: collapse; font-size: 15px; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--muted); font-weight: 600; font-size: 14px; vertical-align: bottom; }
th.text, td.text { text-align: left; overflow-wrap: break-word; }
td:first-child, td.short { white-space: nowrap; }
tr > :last-child { padding-right: 0; }
th.figure, td.figure { text-align: right; white-space: nowrap; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 8px; }
.pairs { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 5px 18px; margin: 0 0 12px; font-size: 15px; }
.pairs dt { color: var(--muted); }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; margin: 0 0 12px;
  overflow-x: auto; font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
details { margin: 0 0 12px; }
summary { cursor: pointer; font-weight: 600; margin-bottom: 8px; }
footer { color: var(--muted); font-size: 14px; margin-top: 40px; border-top: 1px solid var(--rule); padding-top: 16px; }
@media (max-width: 760px) {
  main { padding: 20px 14px 32px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 32px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 10px; }
  .tile { padding: 10px 12px; }
  .tile dd { font-size: 20px; }
  figure { padding: 10px 8px; }
  td, th { padding-right: 10px; }
  figure h3, figcaption { padding: 0 4px; }
  .hint { display: block; }
  td:first-child { white-space: normal; min-width: 8.5em; max-width: 44vw; overflow-wrap: break-word; }
}
@media print {
  .scroll { overflow: visible; }
  .controls, .hint, .whole { display: none; }
  main { max-width: none; padding: 0; }
  pre { white-space: pre-wrap; }
  h2, h3 { break-after: avoid; }
  .tile, tr { break-inside: avoid; }
}
`;
