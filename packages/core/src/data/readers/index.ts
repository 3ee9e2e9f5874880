export { type CifarOptions, readCifar10, readCifar100 } from "./cifar.ts";
export type { NamedDataset } from "./class-names.ts";
export { type CsvOptions, readCsv } from "./csv.ts";
export { type IdxOptions, parseIdx, readIdx } from "./idx.ts";
export { decodeImage, type Image } from "./image.ts";
export { type ImageFile, type ImageFolderOptions, readImageFolder } from "./image-folder.ts";
export { type ParquetOptions, readParquet } from "./parquet.ts";
export { readTextBySpeaker, type TextDataset, type TextOptions } from "./text-by-speaker.ts";
