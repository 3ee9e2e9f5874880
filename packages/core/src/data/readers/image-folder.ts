import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type NamedDataset, numberClasses } from "./class-names.ts";
import { decodeImage } from "./image.ts";
import { readerLimits, requireAtMost, scaleDown } from "./limits.ts";

/** A file of an image folder. The folder it lies in names its class: "train/cat/001.png" is a cat. */
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
}

/** A data set of PNG and JPEG files of one size: features uint8 [n, channels, height, width], in order of path. */
export async function readImageFolder(files: readonly ImageFile[], options: ImageFolderOptions): Promise<NamedDataset> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const classes = sorted.map((file) => folderOf(file.path, options.name));
  const { labels, classNames } = numberClasses(classes, options.classNames, options.name);
  const features = await stackImages(sorted, options.channels ?? 3, options.name);
  return { name: options.name, features, labels, classes: classNames.length, classNames };
}

/** Decodes images of one size into uint8 [n, channels, height, width]. */
export async function stackImages(files: readonly ImageFile[], channels: 1 | 3, where: string): Promise<HostTensor> {
  const [first, ...rest] = files;
  if (first === undefined) {
    throw new AnabranchError({
      code: "data/empty",
      message: "there are no images",
      where,
      expected: "PNG or JPEG files in one folder for each class",
    });
  }
  const model = await decodeImage(first.bytes, channels, first.path);
  const bytes = files.length * model.data.length;
  requireAtMost(readerLimits.featureBytes, bytes, "bytes of images", where, scaleDown);
  const data = new Uint8Array(bytes);
  data.set(model.data);
  for (const [i, file] of rest.entries()) {
    const image = await decodeImage(file.bytes, channels, file.path);
    if (image.height !== model.height || image.width !== model.width) {
      throw new AnabranchError({
        code: "data/image-size",
        message: "the images differ in size",
        where: file.path,
        received: `${image.width} x ${image.height} pixels`,
        expected: `${model.width} x ${model.height}, as ${first.path}`,
        advice: "Scale the images to one size first.",
      });
    }
    data.set(image.data, (i + 1) * model.data.length);
  }
  return { dtype: "uint8", shape: [files.length, channels, model.height, model.width], data };
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
