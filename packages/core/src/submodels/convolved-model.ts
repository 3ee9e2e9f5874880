/** FedConv: all parameters of a small model from those of a large one, and back, by one learned map for each. */
import { reshape, type Tensor, transpose } from "@anabranch/engine";
import type { ModelParameters } from "../models/model.ts";
import { entryView, type Layout, type LayoutEntry, layout } from "../params/layout.ts";
import { norm2, type Vector } from "../params/vector.ts";
import type { RandomStream } from "../random/index.ts";
import { compressedWeight, dilatedWeight } from "./convolved-weights.ts";

type Direction = "compress" | "dilate";

/** Separates the name of a parameter from that of a part of its map. */
const OF = ":";

/**
 * The maps between two models: a filter [a, b] and its gain for each parameter, and where they compress also the factor of
 * the projection. A filter is as large as the difference of the extents, plus 1.
 * Both layouts have the same names.
 */
export function convolvedMaps(large: Layout, small: Layout, direction: Direction): Layout {
  const extents = new Map(small.entries.map((entry) => [entry.name, imageOf(entry)]));
  return layout(
    large.entries.flatMap((entry) => {
      const [from, to] = [imageOf(entry), extents.get(entry.name)!];
      const part = (name: string, shape: readonly number[]) =>
        ({ name: `${entry.name}${OF}${name}`, shape, role: "vector", block: entry.name }) as const;
      const filter = part("filter", [from[0]! - to[0]! + 1, from[1]! - to[1]! + 1]);
      return [filter, part("gain", []), ...(direction === "compress" ? [part("projection", [])] : [])];
    }),
  );
}

/** Maps as they are drawn: filters uniform within 1 / sqrt(a b), their norm as gain, projections in [-1, 1]. Writes to `values`. */
export function drawMaps(maps: Layout, values: Vector, random: RandomStream): void {
  for (const entry of maps.entries) {
    const view = entryView(values, entry);
    const [, part] = entry.name.split(OF);
    if (part === "projection") view[0] = 2 * random.float() - 1;
    if (part !== "filter") continue;
    const bound = 1 / Math.sqrt(entry.size);
    for (let k = 0; k < view.length; k++) view[k] = bound * (2 * random.float() - 1);
    const gain = maps.entries.find(({ name }) => name === `${entry.name.split(OF)[0]}${OF}gain`)!;
    entryView(values, gain)[0] = norm2(view);
  }
}

/** The parameters of the small model. Weights of convolutions keep themselves beside their projection. */
export function compressedModel(
  maps: ModelParameters,
  parameters: ModelParameters,
  { entries }: Layout,
): ModelParameters {
  return eachEntry(entries, (entry) => {
    const image = toImage(parameters[entry.name]!, entry);
    const small = compressedWeight(image, mapOf(maps, entry), maps[`${entry.name}${OF}projection`]!, isKernel(entry));
    return fromImage(small, entry);
  });
}

/** The parameters of the large model; `small` is the layout of the other one. */
export function dilatedModel(maps: ModelParameters, parameters: ModelParameters, small: Layout): ModelParameters {
  return eachEntry(small.entries, (entry) => {
    return fromImage(dilatedWeight(toImage(parameters[entry.name]!, entry), mapOf(maps, entry)), entry);
  });
}

function eachEntry(entries: readonly LayoutEntry[], make: (entry: LayoutEntry) => Tensor): ModelParameters {
  return Object.fromEntries(entries.map((entry) => [entry.name, make(entry)]));
}

function mapOf(maps: ModelParameters, { name }: LayoutEntry) {
  return { filter: maps[`${name}${OF}filter`]!, gain: maps[`${name}${OF}gain`]! };
}

function isKernel({ shape }: LayoutEntry): boolean {
  return shape.length > 2;
}

/** Extents of the image of a parameter: [out, in], or [n, 1] of a vector. Dense weights are [in, out]. */
function imageOf({ shape }: LayoutEntry): readonly [number, number] {
  const [first = 1, second = 1] = shape;
  return shape.length === 2 ? [second, first] : [first, second];
}

/** A parameter as a weight [out, in, kh, kw]. */
function toImage(value: Tensor, entry: LayoutEntry): Tensor {
  if (isKernel(entry)) return value;
  return reshape(entry.shape.length === 2 ? transpose(value, [1, 0]) : value, [...imageOf(entry), 1, 1]);
}

function fromImage(image: Tensor, { shape }: LayoutEntry): Tensor {
  if (shape.length > 2) return image;
  const [outputs, inputs] = image.shape as readonly number[];
  if (shape.length < 2) return reshape(image, shape.length === 1 ? [outputs!] : []);
  return transpose(reshape(image, [outputs!, inputs!]), [1, 0]);
}
