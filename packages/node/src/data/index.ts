export { loadDatasetModule } from "./dataset-module.ts";
export { type DownloadFile, type DownloadOptions, type DownloadProgress, downloadFile } from "./download.ts";
export { importLocal, type LocalImport } from "./import-local.ts";
export {
  type DatasetDownload,
  type DatasetEntry,
  type LoadOptions,
  listDatasets,
  loadDataset,
} from "./load-dataset.ts";
export { cacheFolder, type DataPlaces } from "./places.ts";
export { type DatasetSource, datasetSources, downloadDataset } from "./sources.ts";
