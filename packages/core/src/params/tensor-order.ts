import { AnabranchError } from "@anabranch/engine";
import type { LayoutEntry } from "./layout.ts";
import {
  COUNTER,
  fileShape,
  moduleOf,
  partIn,
  SECTION,
  type TensorLayout,
  type TensorShapes,
} from "./tensor-reading.ts";

/** A layer of the file: its tensors by the last part of their names. */
interface FileLayer {
  readonly name: string;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

/** Numbers in names count as numbers: "layers.10" comes after "layers.9". A file has no order of its own. */
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

/**
 * Tensors for the parameters of a model, layer by layer: each layer of the model takes the first layer of the file that
 * has exactly its parameters. Layers of a file are in the order of their names. Order alone decides between layers whose
 * names differ in numbers only; where others fit, too, it would be a guess.
 *
 * @param entries parameters that are still to be found
 * @param blocks layers of the model in its order
 * @returns names of tensors by parameter
 * @throws `params/missing`, `params/ambiguous-order`, `params/unmatched`
 */
export function matchByOrder(
  file: TensorShapes,
  entries: readonly LayoutEntry[],
  blocks: readonly string[],
  layout: TensorLayout,
): Map<string, string> {
  const found = new Map<string, string>();
  let left = layersOf(file);
  for (const block of blocks) {
    const ofBlock = entries.filter((entry) => entry.block === block);
    if (ofBlock.length === 0) continue;
    const fitting = left.filter((layer) => fits(layer, ofBlock, layout));
    const [first] = fitting;
    if (first === undefined) throw noLayer(block, ofBlock, layout, left);
    const other = fitting.find(({ name }) => pattern(name) !== pattern(first.name));
    if (other !== undefined) throw ambiguous(block, first, other);
    for (const entry of ofBlock) {
      found.set(entry.name, [first.name, partIn(entry, layout)].filter((part) => part !== "").join("."));
    }
    left = left.filter((layer) => layer !== first);
  }
  if (left.length > 0) throw unmatched(left);
  return found;
}

function layersOf(file: TensorShapes): FileLayer[] {
  const layers = new Map<string, Record<string, readonly number[]>>();
  for (const [name, { shape }] of Object.entries(file)) {
    const layer = moduleOf(name);
    const part = layer === "" ? name : name.slice(layer.length + 1);
    if (part !== COUNTER) layers.set(layer, { ...layers.get(layer), [part]: shape });
  }
  return [...layers].map(([name, tensors]) => ({ name, tensors })).sort((a, b) => byNumber(a.name, b.name));
}

function fits({ tensors }: FileLayer, entries: readonly LayoutEntry[], layout: TensorLayout): boolean {
  if (Object.keys(tensors).length !== entries.length) return false;
  return entries.every((entry) => tensors[partIn(entry, layout)]?.join() === fileShape(entry, layout).join());
}

/** A name without its numbers. */
function pattern(name: string): string {
  return name.replaceAll(/\d+/g, "#");
}

function describe({ name, tensors }: FileLayer): string {
  return `${name} (${Object.entries(tensors)
    .map(([part, shape]) => `${part} [${shape.join(", ")}]`)
    .join(", ")})`;
}

const TABLE = 'Name the layers: "NAME IN THE MODEL" = "NAME IN THE FILE" in a table [model.initialWeightsNames].';

function noLayer(block: string, entries: readonly LayoutEntry[], layout: TensorLayout, left: readonly FileLayer[]) {
  const parts = entries.map((entry) => `${partIn(entry, layout)} [${fileShape(entry, layout).join(", ")}]`);
  return new AnabranchError({
    code: "params/missing",
    message: "the initial weights have no layer that fits a layer of the model",
    where: `${SECTION}, layer ${block}`,
    received: left.length === 0 ? "no further layers" : left.slice(0, 8).map(describe).join("; "),
    expected: parts.join(", "),
    advice: TABLE,
  });
}

function ambiguous(block: string, first: FileLayer, other: FileLayer) {
  return new AnabranchError({
    code: "params/ambiguous-order",
    message: "two layers of the initial weights fit a layer of the model, and their names have no order",
    where: `${SECTION}, layer ${block}`,
    received: `${first.name} and ${other.name}`,
    expected: "names that differ in a number only, or a table of names",
    advice: TABLE,
  });
}

function unmatched(left: readonly FileLayer[]) {
  return new AnabranchError({
    code: "params/unmatched",
    message: "the initial weights have layers that the model lacks",
    where: SECTION,
    received: left.slice(0, 8).map(describe).join("; "),
    expected: "the layers of the model and no others",
    advice: 'Remove them from the file, or match by name: initialWeightsMatch = "name".',
  });
}
