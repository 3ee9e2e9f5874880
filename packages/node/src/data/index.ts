export type { DownloadFile, DownloadOptions, DownloadProgress } from "./download.ts";
export {
  type DatasetDownload,
  type DatasetEntry,
  type LoadOptions,
  listDatasets,
  loadDataset,
} from "./load-dataset.ts";
export { cacheFolder, type DataPlaces } from "./places.ts";
export { type DatasetSource, datasetSources } from "./sources.ts";
