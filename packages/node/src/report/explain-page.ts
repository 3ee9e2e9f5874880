import { formatPercent } from "../terminal/format.ts";
import { type Html, html, trusted } from "./html.ts";
import { page, section, tiles } from "./page.ts";
import { pixelImage } from "./pixel-image.ts";

interface Size {
  readonly height: number;
  readonly width: number;
}

/** What a model says of an image, and where it looks for the image's own class. */
interface ShownView {
  readonly predicted: string;
  readonly isRight: boolean;
  readonly map: ArrayLike<number>;
}

/** One image as the page shows it. */
export interface ShownImage {
  readonly pixels: ArrayLike<number>;
  readonly label: string;
  readonly global: ShownView;
  readonly personal?: ShownView | undefined;
  readonly overlap?: number | undefined;
}

export interface ExplainPage {
  /** Its id. */
  readonly run: string;
  readonly name: string;
  readonly about: string;
  readonly image: Size;
  readonly map: Size;
  readonly images: readonly ShownImage[];
  readonly meanOverlap: number | undefined;
}

/** Maps of where models look as one self-contained page. */
export function explainPage({ run, name, about, image, map, images, meanOverlap }: ExplainPage): string {
  const isPersonal = images.some(({ personal }) => personal !== undefined);
  return page(`${name} - Anabranch report`, [
    html`<style>${trusted(STYLE)}</style>
<header><p class="eyebrow">Anabranch explain · run ${run}</p><h1>${name}</h1><p>${about}</p></header>`,
    tiles([
      {
        label: "Global model",
        value: rightOf(images.map(({ global }) => global)),
        note: "images classified correctly",
      },
      ...(isPersonal
        ? [
            {
              label: "Client's model",
              value: rightOf(images.flatMap(({ personal }) => personal ?? [])),
              note: "images classified correctly",
            },
            {
              label: "Mean overlap",
              value: meanOverlap === undefined ? "-" : formatPercent(meanOverlap, 0),
              note: "of the maps of both models",
            },
          ]
        : []),
    ]),
    section("Where the models look", [
      html`<div class="strips">${images.map((one) => strip(one, image, map))}</div>`,
      html`<p class="notes">${SCALE}</p>${isPersonal ? html`<p class="notes">${OVERLAP}</p>` : undefined}`,
    ]),
  ]);
}

const SCALE =
  "Grad-CAM at the last convolution, for the image's true class: the stronger the colour, the more the place speaks for that class. Each map is scaled to its own maximum. No colour: nothing in the image speaks for the class.";
const OVERLAP =
  "Overlap: both maps divided by their sums, then the smaller values over the larger ones, added up. 100 % is the same map, 0 % are different places.";

function rightOf(views: readonly ShownView[]): string {
  return `${views.filter(({ isRight }) => isRight).length} of ${views.length}`;
}

function strip({ pixels, label, global, personal, overlap }: ShownImage, image: Size, map: Size): Html {
  const shared = overlap === undefined ? "" : `, overlap ${formatPercent(overlap, 0)}`;
  const drawn = () => pixelImage(pixels, image.height, image.width, `image of class ${label}`);
  const seen = (title: string, { predicted, isRight, map: heat }: ShownView) =>
    html`<div class="view"><div class="stack">${drawn()}${heatMap(heat, map)}</div><span>${title}</span><span class="${
      isRight ? "right" : "wrong"
    }">${isRight ? "right" : `says ${predicted}`}</span></div>`;
  return html`<div class="card strip"><h4>Class ${label}${shared}</h4>
<div class="views"><div class="view"><div class="stack">${drawn()}</div><span>image</span></div>${seen("global", global)}${
    personal === undefined ? undefined : seen("client", personal)
  }</div></div>`;
}

/** A map as cells that cover an image, the more the larger their value is. */
function heatMap(values: ArrayLike<number>, { height, width }: Size): Html {
  const most = Math.max(...Array.from(values));
  const cells = Array.from(values, (value, k) => {
    const share = most > 0 ? value / most : 0;
    if (!(share > 0.02)) return "";
    return `<rect x="${k % width}" y="${Math.floor(k / width)}" width="1" height="1" opacity="${(0.8 * share).toFixed(2)}"/>`;
  });
  return trusted(
    `<svg class="heat" aria-hidden="true" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${cells.join("")}</svg>`,
  );
}

const STYLE = `
.tiles { grid-template-columns: repeat(auto-fit, minmax(min(100%, 150px), 1fr)); }
.strips { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 16px; margin-bottom: 20px; }
.strip h4 { margin: 0 0 10px; font-size: 16px; overflow-wrap: anywhere; }
.views { display: flex; flex-wrap: wrap; gap: 12px; }
.view { display: grid; gap: 2px; width: 92px; align-content: start; justify-items: center; font-size: 13px; color: var(--muted); overflow-wrap: anywhere; text-align: center; }
.stack { position: relative; width: 92px; height: 92px; border: 1px solid var(--rule); margin-bottom: 4px; }
.stack svg { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.heat { fill: #ff5a1f; }
.right { color: var(--good); }
.wrong { color: var(--bad); }
@media (max-width: 760px) {
  .views { gap: 8px; }
  .view, .stack { width: 84px; }
  .stack { height: 84px; }
}
`;
