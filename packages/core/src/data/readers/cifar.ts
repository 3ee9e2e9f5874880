import { AnabranchError } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { gunzip } from "./gunzip.ts";
import { readerLimits, requireAtMost } from "./limits.ts";

const PIXELS = 3 * 32 * 32;

export interface CifarOptions {
  readonly name?: string;
}

/**
 * CIFAR-10, binary version: files of records of one label byte and 3,072 pixel bytes (red, green, blue planes of
 * 32 x 32). `data_batch_1.bin` to `data_batch_5.bin` are the training set. Features [n, 3, 32, 32].
 *
 * @example
 * ```ts
 * import { readCifar10 } from "@anabranch/core";
 * const record = new Uint8Array(3073); // label, then 32 x 32 pixels of three colours
 * readCifar10([record]).features.shape; // => [1, 3, 32, 32]
 * ```
 */
export function readCifar10(files: readonly Uint8Array[], options: CifarOptions = {}): ArrayDataset {
  return readRecords(files, { name: options.name ?? "cifar10", labelBytes: 1, labelAt: 0, classes: 10 });
}

/**
 * CIFAR-100, binary version: records of a coarse label (20 classes), a fine label (100 classes) and the pixels.
 * `labels` chooses which becomes the class.
 *
 * @example
 * ```ts
 * import { readCifar100 } from "@anabranch/core";
 * const record = new Uint8Array(2 + 3 * 32 * 32); // coarse label, fine label, pixels
 * record.set([4, 72]);
 * readCifar100([record]).labels.data; // => [72]
 * readCifar100([record], { labels: "coarse" }).labels.data; // => [4]
 * ```
 */
export function readCifar100(
  files: readonly Uint8Array[],
  options: CifarOptions & { readonly labels?: "fine" | "coarse" } = {},
): ArrayDataset {
  const fine = options.labels !== "coarse";
  return readRecords(files, {
    name: options.name ?? "cifar100",
    labelBytes: 2,
    labelAt: fine ? 1 : 0,
    classes: fine ? 100 : 20,
  });
}

interface RecordFormat {
  readonly name: string;
  readonly labelBytes: number;
  readonly labelAt: number;
  readonly classes: number;
}

function readRecords(packed: readonly Uint8Array[], format: RecordFormat): ArrayDataset {
  const recordBytes = format.labelBytes + PIXELS;
  const files = packed.map((file, i) => gunzip(file, `${format.name}, file ${i}`));
  for (const [i, file] of files.entries()) {
    if (file.length > 0 && file.length % recordBytes === 0) continue;
    throw new AnabranchError({
      code: "data/truncated",
      message: "the size of a CIFAR file is not a multiple of the record size",
      where: `${format.name}, file ${i}`,
      received: `${file.length} bytes`,
      expected: `a multiple of ${recordBytes}`,
      advice: "Check that this is the binary version, and of the right set (10 or 100 classes).",
    });
  }
  const count = files.reduce((sum, file) => sum + file.length / recordBytes, 0);
  requireAtMost(readerLimits.featureBytes, count * PIXELS, "bytes of images", format.name);
  const features = new Uint8Array(count * PIXELS);
  const labels = new Uint8Array(count);
  let row = 0;
  for (const [i, file] of files.entries()) {
    for (let at = 0; at < file.length; at += recordBytes, row++) {
      labels[row] = file[at + format.labelAt]!;
      if (labels[row]! >= format.classes) throw wrongLabel(format, i, at / recordBytes, labels[row]!);
      features.set(file.subarray(at + format.labelBytes, at + recordBytes), row * PIXELS);
    }
  }
  return {
    name: format.name,
    features: { dtype: "uint8", shape: [count, 3, 32, 32], data: features },
    labels: { dtype: "uint8", shape: [count], data: labels },
    classes: format.classes,
  };
}

function wrongLabel(format: RecordFormat, file: number, record: number, label: number): AnabranchError {
  return new AnabranchError({
    code: "data/label",
    message: "a CIFAR record has an impossible label",
    where: `${format.name}, file ${file}, record ${record}`,
    received: String(label),
    expected: `0 to ${format.classes - 1}`,
    advice: "Check that this is the binary version, and of the right set (10 or 100 classes).",
  });
}
