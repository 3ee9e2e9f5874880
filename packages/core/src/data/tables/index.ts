export { type ColumnGroups, columnGroups } from "./column-groups.ts";
export { featureNames, type TableEncoding, tableEncoding } from "./encoding.ts";
export type { TableDataset } from "./read-table.ts";
export { type ColumnStatistics, standardizeTable, withStatistics } from "./standardize.ts";
export type { TableOptions } from "./table-options.ts";
