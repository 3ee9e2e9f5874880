/** Random directions for a client's examples. */
import type { HostTensor, HostTensors, TensorType, TypeTree } from "@anabranch/engine";
import type { DirectionsByExample } from "../algorithms/needs.ts";
import type { Vector } from "../params/vector.ts";
import { layoutsOfPart, type Uploads } from "../pipeline/settings.ts";
import { normal } from "../random/distributions.ts";
import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";

/** What of a client's task decides. */
interface Drawing {
  readonly part?: number | undefined;
  readonly keys: Readonly<Record<string, RandomKey>>;
  readonly data: { readonly features: HostTensor };
}

/** The inputs of a program: directions/NAME [n, columns]. */
export function directionsTypes(directions: DirectionsByExample | undefined): Record<string, TypeTree> {
  if (directions === undefined) return {};
  const types = Object.entries(directions.columns).map(([name, columns]): [string, TensorType] => [
    name,
    { dtype: "float", shape: ["n", columns] },
  ]);
  return { directions: Object.fromEntries(types) };
}

/** Directions for a client's examples: drawn where they count, else zeros. */
export function directionInputs(
  { directions, ...spec }: Pick<Uploads, "upload" | "parts"> & { readonly directions?: DirectionsByExample },
  task: Drawing,
  make: (n: number) => Vector,
): HostTensors {
  if (directions === undefined) return {};
  const n = task.data.features.shape[0]!;
  const counts = layoutsOfPart(spec, task.part)[directions.of]!.size > 0;
  const inputs = Object.entries(directions.columns).map(([name, columns]): [string, HostTensor] => {
    const data = make(n * columns);
    if (counts) {
      const stream = randomStream(deriveKey(task.keys["draws"]!, "directions", name));
      for (let i = 0; i < data.length; i++) data[i] = normal(stream);
    }
    return [`directions/${name}`, { dtype: "float", shape: [n, columns], data }];
  });
  return Object.fromEntries(inputs);
}
