// The functions of this file and of its neighbours that draw are also part of the report's script, as their own text:
// they use nothing but one another and what every browser has.

/** About `count` round numbers (steps of 1, 2 or 5 times a power of ten) within [min, max]. */
export function ticksOf(min: number, max: number, count: number, integer: boolean): number[] {
  const span = max - min;
  if (!(span > 0)) return [min];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough * (1 - 1e-9)) ?? 10;
  const step = integer ? Math.max(1, Math.round(factor * power)) : factor * power;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

/** A number of an axis, with as many decimals as the step between ticks has. */
export function tickText(value: number, step: number): string {
  if (Math.abs(value) >= 1e6 || (step > 0 && step < 1e-5)) return value.toExponential(1).replace("e+", "e");
  const decimals = step > 0 ? Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)) : 0;
  return value
    .toFixed(decimals)
    .replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",")
    .replace(/^-(0\.?0*)$/, "$1");
}

/** Text of a drawing or of a page, so that it stays text. */
export function escapeText(text: string): string {
  const signs: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (sign) => signs[sign]!);
}

/** Width of a text at 13 pixels, generously: capitals are wider. */
export function textWidth(text: string): number {
  return 7.2 * [...text].length + 2.2 * (text.match(/[A-Z]/g)?.length ?? 0);
}

/** A text that is cut to a width in pixels. */
export function fitText(text: string, width: number): string {
  const characters = [...text];
  let most = characters.length;
  while (most > 3 && textWidth(characters.slice(0, most).join("")) > width) most--;
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** The mean of every point and its neighbours, a twentieth of all points together; broken where the curve is. */
export function smoothed(points: readonly (readonly [number, number | null])[]): [number, number | null][] {
  const half = Math.max(1, Math.round(points.length / 40));
  return points.map(([x, y], at) => {
    if (y === null) return [x, null];
    let sum = 0;
    let count = 0;
    for (let i = Math.max(0, at - half); i <= Math.min(points.length - 1, at + half); i++) {
      const value = points[i]![1];
      if (value === null) continue;
      sum += value;
      count++;
    }
    return [x, sum / count];
  });
}
