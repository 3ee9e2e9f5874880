import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { exampleCount, SHIPPED_DATASETS } from "@anabranch/core";
import { loadDataset } from "../../data/load-dataset.ts";
import { formatCount } from "../../terminal/format.ts";
import type { Check } from "./check.ts";

/** The data sets that come with the project can be read. */
export const shippedDataChecks: readonly Check[] = SHIPPED_DATASETS.map((name) => ({
  name,
  async look() {
    const { train, test } = await loadDataset(name);
    const counts = [train, test].map((part) => formatCount(exampleCount(part)));
    return { status: "ok", message: `shipped; ${counts[0]} training and ${counts[1]} test examples` };
  },
}));

/** The folder given as --data-dir, or by ANABRANCH_DATA, is there. */
export function dataFolderCheck(dataDir: string | undefined): Check[] {
  const given = dataDir ?? process.env.ANABRANCH_DATA ?? "";
  if (given === "") return [];
  return [
    {
      name: "data folder",
      async look() {
        const found = await stat(given).catch(() => undefined);
        if (found?.isDirectory() === true) return { status: "ok", message: resolve(given) };
        const advice = "Correct --data-dir or the variable ANABRANCH_DATA.";
        return { status: "fail", message: `${resolve(given)} is not a folder`, advice };
      },
    },
  ];
}
