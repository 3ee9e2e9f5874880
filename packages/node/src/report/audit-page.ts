import { formatPercent } from "../terminal/format.ts";
import { type Html, html, trusted } from "./html.ts";
import { page, section, table, tiles } from "./page.ts";
import { pixelImage } from "./pixel-image.ts";

/** One attack of an audit as the page shows it. */
export interface AuditEntry {
  readonly defence: string;
  readonly protocol: string;
  /** Who sees what, e.g. "server, one update". */
  readonly view: string;
  readonly attack: string;
  readonly examples: number;
  readonly labels: number | undefined;
  /** Mean over the examples, and that of the best one. */
  readonly psnr: number | undefined;
  readonly bestPsnr: number | undefined;
  readonly ssim: number | undefined;
  readonly hits: number | undefined;
  readonly seconds: number;
  /** Why the attack was not run. */
  readonly refusal: string | undefined;
  readonly pairs: readonly {
    readonly truth: ArrayLike<number>;
    readonly found: ArrayLike<number> | undefined;
    readonly psnr: number;
  }[];
}

export interface AuditPage {
  readonly name: string;
  /** Whose data were attacked, in words. */
  readonly consent: string;
  readonly assumptions: readonly string[];
  readonly entries: readonly AuditEntry[];
  readonly accuracies: readonly { readonly defence: string; readonly accuracy: number | undefined }[];
  readonly advice: readonly { readonly stage: string; readonly kind: "risk" | "good"; readonly text: string }[];
  /** Of images; undefined where the examples are none. */
  readonly image: { readonly height: number; readonly width: number } | undefined;
}

/** Pairs of images that one attack shows. */
const SHOWN = 4;

/** An audit as one self-contained page. */
export function auditPage(audit: AuditPage): string {
  const { name, consent, assumptions, entries, advice, accuracies, image } = audit;
  return page(`${name} - Anabranch report`, [
    html`<style>${trusted(STYLE)}</style>
<header><p class="eyebrow">Anabranch audit</p><h1>${name}</h1><p>${consent}</p></header>`,
    summary(entries),
    ...(image === undefined ? [] : [section("Original and reconstruction", imageSections(entries, image))]),
    section("All attacks", [attackTable(entries), html`<p class="notes">${SCALE}</p>`]),
    ...(accuracies.length === 0 ? [] : [section("Cost of each defence", [accuracyTable(accuracies)])]),
    section("Advice", adviceCards(advice)),
    section("What the attacker is assumed to know", [list(assumptions)]),
  ]);
}

const SCALE =
  "PSNR compares an image with its reconstruction: above 30 dB it is nearly exact, from 18 dB recognisable, below 12 dB noise. Found: share of the examples with a mean absolute error below 0.05. Searches return the best match of gradients, never the best match of images.";

function summary(entries: readonly AuditEntry[]): Html {
  const best = (of: readonly AuditEntry[]) =>
    of.reduce((most, { bestPsnr = Number.NEGATIVE_INFINITY }) => Math.max(most, bestPsnr), Number.NEGATIVE_INFINITY);
  const groups = Map.groupBy(entries, ({ defence, view }) => `${defence}: ${view}`);
  return tiles(
    [...groups].map(([label, of]) => {
      const psnr = best(of);
      return {
        label,
        value: Number.isFinite(psnr) ? `${psnr.toFixed(1)} dB` : "-",
        note: `best image: ${verdict(psnr)}`,
      };
    }),
  );
}

/** What a PSNR means to a person who looks at the images. */
export function verdict(psnr: number): string {
  if (psnr >= 30) return "nearly exact";
  if (psnr >= 18) return "recognisable";
  if (psnr >= 12) return "rough shapes";
  return Number.isFinite(psnr) ? "noise" : "no image";
}

function imageSections(entries: readonly AuditEntry[], { height, width }: { height: number; width: number }): Html[] {
  const groups = Map.groupBy(
    entries.filter(({ pairs }) => pairs.some(({ found }) => found !== undefined)),
    ({ protocol }) => protocol,
  );
  if (groups.size === 0) return [html`<p>No attack has found an image.</p>`];
  return [...groups].map(
    ([protocol, of]) => html`<h3>${capital(protocol)}</h3>
<div class="strips">${of.map((entry) => strip(entry, height, width))}</div>`,
  );
}

function strip(entry: AuditEntry, height: number, width: number): Html {
  const { defence, view, attack, pairs, psnr } = entry;
  const best = [...pairs].sort((a, b) => b.psnr - a.psnr).slice(0, SHOWN);
  const cells = best.map(
    ({ truth, found, psnr: own }) =>
      html`<div class="pair">${pixelImage(truth, height, width, "original")}${
        found === undefined ? html`<span class="none">none</span>` : pixelImage(found, height, width, "reconstruction")
      }<span class="db">${Number.isFinite(own) ? `${own.toFixed(1)} dB` : "-"}</span></div>`,
  );
  const more = pairs.length > best.length ? `Best ${best.length} of ${pairs.length}. ` : "";
  return html`<div class="card strip"><h4>${defence}: ${attack}</h4>
<p>Seen by: ${view}. ${more}Mean PSNR ${psnr === undefined || Number.isNaN(psnr) ? "-" : `${psnr.toFixed(1)} dB`}</p>
<div class="pairs-row"><div class="pair heads" aria-hidden="true"><span>original</span><span>found</span><span></span></div>${cells}</div></div>`;
}

function attackTable(entries: readonly AuditEntry[]): Html {
  const number = (value: number | undefined, format: (value: number) => string) =>
    value === undefined || Number.isNaN(value) ? "-" : format(value);
  const rows = entries.map((entry, i) => {
    const { defence, protocol, view, attack, examples, labels, psnr, ssim, hits, refusal } = entry;
    const heading = entries[i - 1]?.protocol === protocol ? {} : { heading: capital(protocol) };
    const results =
      refusal === undefined
        ? [
            number(labels, (value) => formatPercent(value)),
            number(psnr, (value) => `${value.toFixed(1)} dB`),
            number(ssim, (value) => value.toFixed(2)),
            number(hits, (value) => formatPercent(value)),
            "",
          ]
        : ["-", "-", "-", "-", refusal];
    return { cells: [defence, view, attack, String(examples), ...results], ...heading };
  });
  const heads = ["defence", "seen by", "attack", "examples", "labels", "PSNR", "SSIM", "found", "not run because"];
  return table(heads, rows, [0, 1, 2, 8]);
}

function accuracyTable(accuracies: AuditPage["accuracies"]): Html {
  const plain = accuracies.find(({ defence }) => defence === "plain")?.accuracy;
  const rows = accuracies.map(({ defence, accuracy }) => {
    const cost = accuracy === undefined || plain === undefined || defence === "plain" ? "-" : points(accuracy - plain);
    return { cells: [defence, accuracy === undefined ? "no finished run" : formatPercent(accuracy, 1), cost] };
  });
  return table(["defence", "test accuracy", "against plain"], rows);
}

function points(difference: number): string {
  return `${difference < 0 ? "-" : "+"}${Math.abs(100 * difference).toFixed(1)} points`;
}

const STAGES: Readonly<Record<string, string>> = {
  design: "Before the run: the network",
  protocol: "Before the run: the protocol",
  client: "During the run: at the clients",
};

function adviceCards(advice: AuditPage["advice"]): Html[] {
  const groups = Map.groupBy(advice, ({ stage }) => stage);
  return [
    html`<div class="grid">${[...groups].map(
      ([stage, of]) =>
        html`<div class="card"><h3>${STAGES[stage] ?? stage}</h3><ul class="advice">${of.map(
          ({ kind, text }) => html`<li class="${kind}"><b>${kind === "risk" ? "Risk." : "Good."}</b> ${text}</li>`,
        )}</ul></div>`,
    )}</div>`,
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function list(texts: readonly string[]): Html {
  return html`<ul class="notes">${texts.map((text) => html`<li>${text}</li>`)}</ul>`;
}

const STYLE = `
.tiles { grid-template-columns: repeat(auto-fit, minmax(min(100%, 150px), 1fr)); }
.strips { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 16px; margin-bottom: 20px; }
.strip h4 { margin: 0 0 2px; font-size: 16px; overflow-wrap: anywhere; }
.pairs-row { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 10px; }
.pair { display: grid; gap: 4px; width: 62px; justify-items: center; font-size: 12px; color: var(--muted); font-variant-numeric: tabular-nums; }
.pair.heads { width: auto; grid-template-rows: 62px 62px auto; align-items: center; justify-items: start; }
.pixels { width: 62px; height: 62px; display: block; border: 1px solid var(--rule); }
.none { width: 62px; height: 62px; display: grid; place-items: center; border: 1px dashed var(--rule); }
.db { white-space: nowrap; }
@media (max-width: 760px) {
  .pairs-row { gap: 8px; }
  .pair, .pixels, .none { width: 54px; }
  .pixels, .none { height: 54px; }
  .pair.heads { width: auto; grid-template-rows: 54px 54px auto; }
}
.advice { list-style: none; padding: 0; }
.advice li { margin-bottom: 8px; }
.advice .risk b { color: var(--bad); }
.advice .good b { color: var(--good); }
`;
