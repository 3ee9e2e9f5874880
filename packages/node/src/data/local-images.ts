import { basename } from "node:path";
import { type ImageSize, readImageFolder, scaleDown, type TrainTest } from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import { type DatasetPath, numberOption } from "./dataset-name.ts";
import type { FileAccess } from "./file-access.ts";
import { filesBelow } from "./local-folder.ts";
import { requireClasses, split } from "./local-split.ts";

/** `train` and `test` folders are the split; otherwise a share of each class is the test set. */
export async function loadImages(
  from: DatasetPath,
  path: string,
  access: FileAccess,
  shape: readonly number[] | undefined,
): Promise<TrainTest> {
  const files = await filesBelow(path, /\.(png|jpe?g)$/i, access, scaleDown);
  const inFolder = (folder: string) => files.filter((file) => file.path.startsWith(`${folder}/`));
  const options = { name: path, ...imageOptions(from, shape) };
  const [train, test] = [inFolder("train"), inFolder("test")];
  const name = basename(path);
  if (train.length === 0 || test.length === 0) return split({ ...(await readImageFolder(files, options)), name }, from);
  const first = await readImageFolder(train, options);
  const second = await readImageFolder(test, { ...options, classNames: first.classNames });
  requireClasses(first);
  return { train: { ...first, name }, test: { ...second, name: `${name} (test)` } };
}

/** Channels and size of images, as their name says, else as the model takes them: [channels, height, width]. */
export function imageOptions(
  from: DatasetPath,
  shape: readonly number[] | undefined,
): { channels: 1 | 3; size?: ImageSize } {
  const [channels, height, width] = shape?.length === 3 ? shape : [];
  const size = sizeOption(from) ?? (height === undefined || width === undefined ? undefined : { width, height });
  return { channels: channelsOf(from, channels ?? 3), ...(size && { size }) };
}

/** "28x28" or "28", in pixels. */
export function sizeOption(from: DatasetPath): ImageSize | undefined {
  const { size } = from.options;
  if (size === undefined) return undefined;
  const [, width, height = width] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(size) ?? [];
  if (Number(width) >= 1 && Number(height) >= 1) return { width: Number(width), height: Number(height) };
  throw new AnabranchError({
    code: "data/option",
    message: "the size of images cannot be read",
    where: `${from.kind}:${from.path}`,
    received: JSON.stringify(size),
    expected: "width and height in pixels, such as 28x28",
  });
}

function channelsOf(from: DatasetPath, usual: number): 1 | 3 {
  const channels = numberOption(from, "channels", usual);
  if (channels === 1 || channels === 3) return channels;
  throw new AnabranchError({
    code: "data/option",
    message: "images have an unsupported number of channels",
    where: `${from.kind}:${from.path}`,
    received: String(channels),
    expected: "1 (grey) or 3 (colour)",
  });
}
