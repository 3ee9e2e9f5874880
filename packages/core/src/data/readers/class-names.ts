import { AnabranchError, type HostTensor } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";

/** A data set whose classes were named in the source. */
export interface NamedDataset extends ArrayDataset {
  /** Name of each class, by label. */
  readonly classNames: readonly string[];
}

/**
 * Numbers class names: in numerical order where all are numbers, otherwise by code unit.
 *
 * @param values [n] the name of each example's class
 * @param known the order to use, e.g. that of the training set when reading the test set
 * @returns labels [n] (uint8 up to 256 classes, otherwise int32) and the names in order
 */
export function numberClasses(
  values: readonly string[],
  known: readonly string[] | undefined,
  where: string,
): { labels: HostTensor; classNames: readonly string[] } {
  const classNames = known ?? sortNames([...new Set(values)]);
  const numbers = new Map(classNames.map((name, label) => [name, label]));
  const data = classNames.length <= 256 ? new Uint8Array(values.length) : new Int32Array(values.length);
  for (const [i, value] of values.entries()) {
    const label = numbers.get(value);
    if (label === undefined) {
      throw new AnabranchError({
        code: "data/label",
        message: `example ${i} has an unknown class`,
        where,
        received: JSON.stringify(value),
        expected: `one of ${classNames.slice(0, 20).join(", ")}${classNames.length > 20 ? ", ..." : ""}`,
      });
    }
    data[i] = label;
  }
  const dtype = data instanceof Uint8Array ? "uint8" : "int32";
  return { labels: { dtype, shape: [values.length], data }, classNames };
}

function sortNames(names: string[]): string[] {
  const numeric = names.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  return numeric ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}
