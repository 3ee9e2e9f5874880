import { join } from "node:path";
import { type DownloadFile, type DownloadOptions, downloadFile } from "./download.ts";

/** Where a data set can be downloaded: its files, by file name. */
export type DatasetSource = Readonly<Record<string, DownloadFile>>;

const fashionMnist = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";

/** The largest of the published files has 26,421,880 bytes. */
const maxBytes = 32 * 2 ** 20;

/**
 * Downloads that are known. The hashes are of the unpacked files: the publisher's and Debian's gzip files differ in
 * their headers only.
 *
 * @example
 * ```ts
 * import { datasetSources } from "@anabranch/node";
 * Object.keys(datasetSources); // => ["fashion-mnist"]
 * ```
 */
export const datasetSources: Readonly<Record<string, DatasetSource>> = {
  "fashion-mnist": {
    "train-images-idx3-ubyte.gz": {
      url: `${fashionMnist}/train-images-idx3-ubyte.gz`,
      sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
      hashOf: "contents",
      maxBytes,
    },
    "train-labels-idx1-ubyte.gz": {
      url: `${fashionMnist}/train-labels-idx1-ubyte.gz`,
      sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
      hashOf: "contents",
      maxBytes,
    },
    "t10k-images-idx3-ubyte.gz": {
      url: `${fashionMnist}/t10k-images-idx3-ubyte.gz`,
      sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
      hashOf: "contents",
      maxBytes,
    },
    "t10k-labels-idx1-ubyte.gz": {
      url: `${fashionMnist}/t10k-labels-idx1-ubyte.gz`,
      sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
      hashOf: "contents",
      maxBytes,
    },
  },
};

/** Fetches the files of a data set into a folder; those that are there already stay. */
export async function downloadDataset(
  source: DatasetSource,
  folder: string,
  options: DownloadOptions = {},
): Promise<void> {
  for (const [name, file] of Object.entries(source)) await downloadFile(file, join(folder, name), options);
}
