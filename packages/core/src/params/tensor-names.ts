import { AnabranchError } from "@anabranch/engine";
import type { Layout, LayoutEntry } from "./layout.ts";
import { matchByOrder } from "./tensor-order.ts";
import {
  moduleOf,
  partIn,
  SECTION,
  type TensorLayout,
  type TensorReading,
  type TensorShapes,
} from "./tensor-reading.ts";

/**
 * The tensor of a file for each parameter of a model, by parameter: first as `names` says, then by name or by order.
 *
 * @throws `params/unknown-name` for a key of `names` that is neither a parameter nor a layer; what `matchByOrder` throws
 */
export function tensorNames(file: TensorShapes, layout: Layout, reading: TensorReading): Map<string, string> {
  const { match = "name", layout: form = "anabranch" } = reading;
  const found = namedTensors(layout, reading);
  const rest = layout.entries.filter(({ name }) => !found.has(name));
  if (match === "order") {
    const used = new Set(found.values());
    const left = Object.fromEntries(Object.entries(file).filter(([name]) => !used.has(name)));
    for (const [name, tensor] of matchByOrder(left, rest, layout.blocks, form)) found.set(name, tensor);
  } else for (const entry of rest) found.set(entry.name, sameName(file, entry, form));
  return found;
}

/** What the table of names says. A layer stands for all of its parameters. */
function namedTensors({ entries, blocks }: Layout, { names = {}, layout = "anabranch" }: TensorReading) {
  const found = new Map<string, string>();
  for (const [key, name] of Object.entries(names)) {
    const ofLayer = entries.filter(({ block }) => block === key);
    if (ofLayer.length === 0 && !entries.some((entry) => entry.name === key)) throw unknownName(key, entries, blocks);
    for (const entry of ofLayer) {
      if (!(entry.name in names)) found.set(entry.name, `${name}.${partIn(entry, layout)}`);
    }
    if (ofLayer.length === 0) found.set(key, name);
  }
  return found;
}

/** The parameter's own name, or the one that PyTorch would give it in a layer of the same name. */
function sameName(file: TensorShapes, entry: LayoutEntry, layout: TensorLayout): string {
  const other = `${moduleOf(entry.name)}.${partIn(entry, layout)}`;
  return !Object.hasOwn(file, entry.name) && Object.hasOwn(file, other) ? other : entry.name;
}

function unknownName(key: string, entries: readonly LayoutEntry[], blocks: readonly string[]): AnabranchError {
  return new AnabranchError({
    code: "params/unknown-name",
    message: "a name of the initial weights belongs to no parameter and no layer of the model",
    where: `${SECTION}Names`,
    received: key,
    expected: `a layer (${blocks.join(", ")}) or a parameter (${entries.map(({ name }) => name).join(", ")})`.slice(
      0,
      600,
    ),
    advice: 'Write the name of the model first, then that of the file: "dense1" = "fc1".',
  });
}
