import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assetUrl, loadShippedDataset, nearest, SHIPPED_DATASETS, type TrainTest } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { loadDatasetModule } from "./dataset-module.ts";
import { type fileKinds, parseDatasetPath, suggestion } from "./dataset-name.ts";
import type { DownloadOptions } from "./download.ts";
import { loadApart } from "./load-apart.ts";
import type { Reading } from "./local-files.ts";
import { cacheFolder, candidateFolders, type DataPlaces, findPath, notFound } from "./places.ts";
import { type PublishedDataset, publishedDatasets } from "./published.ts";
import { type DatasetSource, datasetSources, downloadDataset } from "./sources.ts";

export interface LoadOptions extends DataPlaces {
  /** Allows a download into the cache folder where the data set is not on this machine. Default: none. */
  readonly download?: DatasetDownload | undefined;
  /** Aborted: loading ends with `run/interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** How data are read where their name does not say. */
  readonly reading?: Reading | undefined;
}

export interface DatasetDownload extends DownloadOptions {
  /** Where to download from; default: where the publisher put it. */
  readonly source?: DatasetSource;
}

/** A data set that can be named. */
export interface DatasetEntry {
  readonly name: string;
  readonly description: string;
  /** Whether it comes with the project and needs neither files nor a network. */
  readonly shipped: boolean;
}

/**
 * The data sets that can be named, with a sentence each.
 *
 * @example
 * ```ts
 * import { listDatasets } from "@anabranch/node";
 * listDatasets().some(({ name }) => name === "fashion-mnist-10k"); // => true
 * ```
 */
export function listDatasets(): DatasetEntry[] {
  const shipped = SHIPPED_DATASETS.map((name) => ({ name, description: shippedDescriptions[name], shipped: true }));
  const published = publishedDatasets.map(({ folders: [name], description }) => ({
    name,
    description,
    shipped: false,
  }));
  const local = Object.entries(fileDescriptions).map(([name, description]) => ({ name, description, shipped: false }));
  return [...shipped, ...published, ...local];
}

/**
 * Loads a data set by name: a shipped one, a published one from a folder of this machine, or own files as
 * `csv:PATH?label=COLUMN`, `parquet:PATH`, `images:FOLDER`, `leaf:PATH`, `text:PATH`, `graph:PATH`, `module:FILE.ts`. All but shipped sets and modules
 * are read in a thread that has a deadline and a limit of memory.
 *
 * @throws `data/unknown`, `data/not-found` with the places looked at, `data/timeout`, `data/memory`, `data/checksum`,
 * `run/interrupted`, and the errors of the readers with the file's path
 * @example
 * ```ts
 * import { exampleCount } from "@anabranch/core";
 * import { loadDataset } from "@anabranch/node";
 * const { train } = await loadDataset("fashion-mnist-10k");
 * exampleCount(train); // => 8000
 * ```
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<TrainTest> {
  const { base, dataDir, signal } = options;
  if (SHIPPED_DATASETS.some((shipped) => shipped === name)) {
    return loadShippedDataset(name, (file) => readFile(assetUrl(file)));
  }
  const path = parseDatasetPath(name);
  if (path?.kind === "module") return loadDatasetModule(await findPath(options, path.path, name));
  const { reading } = options;
  if (path !== undefined) return (await loadApart({ kind: "local", from: path, base, dataDir, reading }, { signal }))!;
  const published = publishedDatasets.find(({ folders: [known] }) => known === name);
  if (published === undefined) throw unknown(name);
  return loadPublished(published, options);
}

async function loadPublished(dataset: PublishedDataset, options: LoadOptions): Promise<TrainTest> {
  const { folders: names, system, advice } = dataset;
  const [name] = names;
  const others = publishedDatasets.filter((other) => other !== dataset).flatMap((other) => other.folders);
  const folders = candidateFolders(options, names, others, system);
  const cache = join(cacheFolder(options), name);
  const source = options.download?.source ?? datasetSources[name];
  const canDownload = options.download !== undefined && source !== undefined;
  // Files in the cache came over a network, or claim to: they must be the published ones.
  const checked = (path: string) => ({ path, checksums: path === cache ? source : undefined });
  const found = await loadApart({ kind: "published", name, folders: folders.map(checked) }, options).catch((error) => {
    if (canDownload && isDamaged(error, cache)) return undefined;
    throw error;
  });
  if (found !== undefined) return { ...found, testRows: "separate" };
  if (!canDownload) throw notFound(name, folders, advice);
  await downloadDataset(source, cache, options.download);
  const downloaded = await loadApart({ kind: "published", name, folders: [checked(cache)] }, options);
  if (downloaded === undefined) throw notFound(name, [cache], "The download lacks files of this data set.");
  return { ...downloaded, testRows: "separate" };
}

/** Whether files in the cache are not the published ones, which a new download puts right. */
function isDamaged(error: unknown, cache: string): boolean {
  if (!(error instanceof AnabranchError)) return false;
  return (
    error.code === "data/checksum" || (error.code === "data/gzip" && error.failure.where?.startsWith(cache) === true)
  );
}

const shippedDescriptions: Record<(typeof SHIPPED_DATASETS)[number], string> = {
  "fashion-mnist-10k": "10,000 images of Fashion-MNIST, 8,000 to train and 2,000 to test, 28 x 28 grey, 10 classes.",
  instructions:
    "Generated instructions in 8 categories with short answers; predict the answer, character by character.",
  "block-graph":
    "A generated graph: 480 nodes in 8 blocks and 2 groups, 16 features, 4 classes; predict the class of a node.",
  "image-neighbours":
    "2,000 images of Fashion-MNIST as nodes of a graph, with edges to the 10 that look most alike; predict the class.",
  "image-questions":
    "2,500 grids of four images of Fashion-MNIST with a generated question each, in 5 families; predict the answer.",
  "tiny-shakespeare": "40,000 lines of Shakespeare's plays by speaker; predict the next character.",
};

const fileDescriptions: Record<string, string> = {
  "csv:PATH": "A table with a header row; ?label=COLUMN, &group=COLUMN, &features=COLUMN,COLUMN, &test=PATH.",
  "parquet:PATH": "The same from a Parquet file, whose feature column may hold images.",
  "images:FOLDER":
    "PNG and JPEG files as CLASS/FILE or OWNER/CLASS/FILE, below train/ and test/ if they exist; &size=28x28 scales them.",
  "leaf:PATH":
    "LEAF's JSON files (FEMNIST, Shakespeare, Sent140): one, or a folder with train/ and test/; ?size=28x28 for images.",
  "graph:PATH":
    "A graph as Cora's: NAME.content with NAME.cites beside it; predict the class of a node; ?testFraction=0.4.",
  "text:PATH": "A play as plain text, by speaker; predict the next character; ?length=CHARACTERS.",
  "module:FILE": "A TypeScript or JavaScript file that exports a function returning { train, test }.",
};

function unknown(name: string): AnabranchError {
  const names = listDatasets().map((entry) => entry.name);
  return new AnabranchError({
    code: "data/unknown",
    message: "unknown data set",
    where: "data.dataset",
    received: JSON.stringify(name),
    expected: `one of ${names.join(", ")}`,
    ...suggestion(nearest(name, names) ?? nearestKind(name)),
  });
}

/** A path without its kind. */
function nearestKind(name: string): string | undefined {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const kinds: Record<string, keyof typeof fileKinds> = {
    csv: "csv",
    parquet: "parquet",
    txt: "text",
    content: "graph",
    json: "leaf",
    ts: "module",
  };
  return name.includes(".") && Object.hasOwn(kinds, ending) ? `${kinds[ending]}:${name}` : undefined;
}
