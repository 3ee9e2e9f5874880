import type { RunHistory } from "@anabranch/core";
import { formatBytes, formatPercent } from "../terminal/format.ts";
import type { ComparisonRow } from "./comparison.ts";
import { type Html, html } from "./html.ts";
import { compressionRatio, coverageNote, diagnosticsShare, measuresOf, measureTexts } from "./measures.ts";
import { measuresTable } from "./measures-table.ts";
import { card, pairs, section, table } from "./page.ts";
import { summarise } from "./summary.ts";

/** Bytes by direction and codec, of runs that compress. */
export function trafficCard(run: RunHistory): Html[] {
  const { codecs } = run.start ?? {};
  if (codecs === undefined) return [];
  const { bytesUp, bytesDown } = summarise(run);
  const row = (direction: string, bytes: number, codec = "floats") => {
    return { cells: [direction, formatBytes(bytes), html`${codec}`] }; // a long chain may be broken
  };
  const last = run.diagnostics.findLast(({ compression }) => compression !== undefined);
  const ratio = compressionRatio(last?.compression);
  return [
    card("Bytes by direction", [
      table(["", "bytes", "codec"], [row("up", bytesUp, codecs.up), row("down", bytesDown, codecs.down)], [0, 2]),
      html`<p>All messages of the run.${
        Number.isFinite(ratio)
          ? ` In round ${last!.round} payloads of uploads were ${ratio.toPrecision(3)} times smaller than floats.`
          : ""
      }</p>`,
    ]),
  ];
}

/** What the clients' work has cost. */
export function costCard(run: RunHistory): Html[] {
  const texts = measureTexts(measuresOf(run), true);
  return texts.length === 0 ? [] : [card("Cost", [pairs(texts)])];
}

/** The last diagnostics in numbers, what they cost, and whether epsilon covers them. */
export function diagnosticsCard(run: RunHistory): Html[] {
  const texts = measureTexts(measuresOf(run), false);
  if (texts.length === 0) return [];
  const uncovered = run.diagnostics.some(({ covered }) => covered === false);
  return [
    card("Last diagnostics", [
      pairs(texts),
      html`<p>Diagnostics took ${formatPercent(diagnosticsShare(run), 1)} of the time in rounds, on top.${
        uncovered ? " Epsilon does not cover them: they come from single clients without noise." : ""
      }</p>`,
    ]),
  ];
}

/** Costs and last diagnostics of groups of runs. */
export function measuresSection(rows: readonly ComparisonRow[], runs: readonly RunHistory[]): Html[] {
  const measured = measuresTable(rows);
  if (measured === undefined) return [];
  return [
    section("Cost and diagnostics", [
      table(
        measured.heads,
        measured.rows.map((cells) => ({ cells })),
        [0],
      ),
      html`<p>${coverageNote(runs)}</p>`,
    ]),
  ];
}
