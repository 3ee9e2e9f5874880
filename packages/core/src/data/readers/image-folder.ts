import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { groupsOf, type NamedDataset, numberClasses } from "./class-names.ts";
import { decodeImage } from "./image.ts";
import { readerLimits, requireAtMost, scaleDown } from "./limits.ts";
import { type ImageSize, resizeImage } from "./resize.ts";

/**
 * A file of an image folder. The folder it lies in names its class: "train/cat/001.png" is a cat. A folder above that of the
 * class names the owner: "north/cat/001.png" belongs to north.
 */
export interface ImageFile {
  /** Path with / between its parts. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ImageFolderOptions {
  readonly name: string;
  /** 3: colour (default), 1: grey. */
  readonly channels?: 1 | 3;
  /** Order of the classes; default: sorted. Give the training set's when reading a test set. */
  readonly classNames?: readonly string[];
  /** Images are scaled to this size; left out: all must have one size. */
  readonly size?: ImageSize;
}

/** Folders at the top that are parts of a data set, and no owners. */
const SPLITS = new Set(["train", "test"]);

/**
 * A data set of PNG and JPEG files: features uint8 [n, channels, height, width], in order of path. Paths are CLASS/FILE or
 * OWNER/CLASS/FILE, below train/ or test/ where these are given; owners become the groups of the data set.
 *
 * @example
 * ```ts
 * import { readImageFolder } from "@anabranch/core";
 * import { fromBase64 } from "@anabranch/core/live";
 * const file = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR42mNg+A8AAQIBANEay48AAAAASUVORK5CYII=";
 * const files = ["ash/1.png", "elm/1.png"].map((path) => ({ path, bytes: fromBase64(file)! }));
 * const { classNames, features } = await readImageFolder(files, { name: "leaves", channels: 1 });
 * classNames; // => ["ash", "elm"]
 * features.shape; // => [2, 1, 1, 2]
 * ```
 */
export async function readImageFolder(files: readonly ImageFile[], options: ImageFolderOptions): Promise<NamedDataset> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const classes = sorted.map((file) => folderOf(file.path, options.name));
  const { labels, classNames } = numberClasses(classes, options.classNames, options.name);
  const features = await stackImages(sorted, options.channels ?? 3, options.name, options.size);
  const owners = sorted.map(({ path }) => ownerOf(path));
  const named = owners.filter((owner) => owner !== undefined);
  const groups = named.length === sorted.length ? groupsOf(named) : {};
  return { name: options.name, features, labels, classes: classNames.length, classNames, ...groups };
}

/**
 * Decodes images into uint8 [n, channels, height, width].
 *
 * @param size to scale them to; left out: all must have the size of the first
 */
export async function stackImages(
  files: readonly ImageFile[],
  channels: 1 | 3,
  where: string,
  size?: ImageSize,
): Promise<HostTensor> {
  const decode = async ({ bytes, path }: ImageFile) => {
    const image = await decodeImage(bytes, channels, path);
    return size === undefined ? image : resizeImage(image, size);
  };
  const [first, ...rest] = files;
  if (first === undefined) {
    throw new AnabranchError({
      code: "data/empty",
      message: "there are no images",
      where,
      expected: "PNG or JPEG files in one folder for each class",
    });
  }
  const model = await decode(first);
  const bytes = files.length * model.data.length;
  requireAtMost(readerLimits.featureBytes, bytes, "bytes of images", where, scaleDown);
  const data = new Uint8Array(bytes);
  data.set(model.data);
  for (const [i, file] of rest.entries()) {
    const image = await decode(file);
    if (image.height !== model.height || image.width !== model.width) {
      throw new AnabranchError({
        code: "data/image-size",
        message: "the images differ in size",
        where: file.path,
        received: `${image.width} x ${image.height} pixels`,
        expected: `${model.width} x ${model.height}, as ${first.path}`,
        advice: `Have them scaled to one size: add size=${model.width}x${model.height} to the data set's name.`,
      });
    }
    data.set(image.data, (i + 1) * model.data.length);
  }
  return { dtype: "uint8", shape: [files.length, channels, model.height, model.width], data };
}

/** The folder above that of the class, which is no part of the data set. */
function ownerOf(path: string): string | undefined {
  const parts = path.split("/");
  const folders = SPLITS.has(parts[0]!) ? parts.slice(1) : parts;
  return folders.length === 3 ? folders[0] : undefined;
}

function folderOf(path: string, where: string): string {
  const folder = path.split("/").at(-2);
  if (folder !== undefined && folder !== "" && folder !== ".") return folder;
  throw new AnabranchError({
    code: "data/image-class",
    message: "an image lies in no folder that could name its class",
    where,
    received: path,
    expected: "CLASS/FILE.png",
  });
}
