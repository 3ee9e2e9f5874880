import { type Html, trusted } from "./html.ts";

/** Grey levels, or levels per colour, of a drawn image: enough to recognise it, few enough for a small page. */
const LEVELS = 16;

/**
 * An image of values in [0, 1] as inline SVG: one path per colour, made of runs of equal pixels. A page that may load nothing
 * can show it.
 *
 * @param values [channels * height * width], with 1 or 3 channels
 */
export function pixelImage(values: ArrayLike<number>, height: number, width: number, label: string): Html {
  const size = height * width;
  const isColour = values.length === 3 * size;
  const level = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * (LEVELS - 1)) * (255 / (LEVELS - 1));
  const colourAt = (i: number) => {
    const channels = isColour
      ? [values[i]!, values[size + i]!, values[2 * size + i]!]
      : [values[i]!, values[i]!, values[i]!];
    return `rgb(${channels.map(level).join(",")})`;
  };
  const paths = new Map<string, string>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; ) {
      const colour = colourAt(y * width + x);
      let end = x + 1;
      while (end < width && colourAt(y * width + end) === colour) end++;
      paths.set(colour, `${paths.get(colour) ?? ""}M${x} ${y}h${end - x}v1h${x - end}z`);
      x = end;
    }
  }
  const drawn = [...paths].map(([colour, path]) => `<path fill="${colour}" d="${path}"/>`).join("");
  const name = label.replace(/[^\w .,%-]/g, "");
  return trusted(
    `<svg class="pixels" role="img" aria-label="${name}" viewBox="0 0 ${width} ${height}" shape-rendering="crispEdges">${drawn}</svg>`,
  );
}
