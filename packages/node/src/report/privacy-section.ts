import { spentBy, spentText } from "@anabranch/core";
import { type Html, html } from "./html.ts";
import { card } from "./page.ts";
import { NOT_COVERED, privacyGrounds, roundsText } from "./privacy.ts";
import type { RunData } from "./run-data.ts";

/** What stands beside the charts of a private run: its guarantee with all that it rests on; nothing for any other run. */
export function privacyCard(run: RunData): Html[] {
  if (spentBy(run) === undefined) return [];
  const { done, assumptions, warnings } = privacyGrounds(run);
  return [
    card("Assumptions of the guarantee", [
      html`<p>It is ${spentText(run)}, for ${roundsText(run)} together.</p>`,
      ...(done === undefined ? [] : [html`<p>Done: ${done}.</p>`]),
      ...list(assumptions),
      ...(warnings.length === 0 ? [] : [html`<p>Warnings:</p>`, ...list(warnings)]),
      html`<p>${NOT_COVERED}</p>`,
    ]),
  ];
}

function list(texts: readonly string[]): Html[] {
  return texts.length === 0 ? [] : [html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`];
}
