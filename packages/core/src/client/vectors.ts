import type { HostTensor, HostTensors } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import { entryView } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** Flat vectors as program inputs `prefix/NAME/ENTRY`, views without copies. */
export function vectorInputs(
  prefix: string,
  vectors: Readonly<Record<string, Vector>>,
  layouts: Readonly<Record<string, Layout>>,
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const [name, layout] of Object.entries(layouts)) {
    Object.assign(inputs, parameterInputs(`${prefix}/${name}`, vectors[name]!, layout));
  }
  return inputs;
}

/** One flat vector as program inputs `prefix/ENTRY`. */
export function parameterInputs(prefix: string, vector: Vector, layout: Layout): Record<string, HostTensor> {
  return Object.fromEntries(
    layout.entries.map((entry) => [
      `${prefix}/${entry.name}`,
      { dtype: "float", shape: entry.shape, data: entryView(vector, entry) } satisfies HostTensor,
    ]),
  );
}

/** Collects program outputs `prefix/NAME/ENTRY` into flat vectors over the memory that `make` gives. */
export function vectorOutputs(
  outputs: HostTensors,
  prefix: string,
  layouts: Readonly<Record<string, Layout>>,
  make: (name: string, length: number) => Vector,
): Record<string, Vector> {
  const vectors: Record<string, Vector> = {};
  for (const [name, layout] of Object.entries(layouts)) {
    const vector = make(name, layout.size);
    for (const entry of layout.entries) vector.set(outputs[`${prefix}/${name}/${entry.name}`]!.data, entry.offset);
    vectors[name] = vector;
  }
  return vectors;
}
