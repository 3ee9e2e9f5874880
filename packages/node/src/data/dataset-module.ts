import { type ArrayDataset, checkDataset, type TrainTest } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { importLocal } from "./import-local.ts";

const expected = "a function that returns (a promise of) { train, test }, both array data sets";

/**
 * The data set of an operator's own file, whose default export is a function that returns `{ train, test }`.
 *
 * @param base what a relative path starts from; default: the working directory
 * @throws `local/*` as importLocal, `local/export` where the export is something else, `data/shape`, `data/label`
 */
export async function loadDatasetModule(path: string, base?: string): Promise<TrainTest> {
  const make = await importLocal(path, { what: "a data set", expected }, base);
  if (typeof make !== "function") throw wrongExport(path, "default export", make);
  let data: unknown;
  try {
    data = await make();
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    throw new AnabranchError({
      code: "local/failed",
      message: "the function that makes the data set has failed",
      where: path,
      received: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      cause,
    });
  }
  if (!isRecord(data)) throw wrongExport(path, "result", data);
  return { train: checkPart(path, "train", data.train), test: checkPart(path, "test", data.test) };
}

function checkPart(path: string, part: string, value: unknown): ArrayDataset {
  if (!isArrayDataset(value)) throw wrongExport(path, part, value);
  checkDataset(value);
  return value;
}

function isArrayDataset(value: unknown): value is ArrayDataset {
  if (!isRecord(value)) return false;
  const { name, features, labels, classes } = value;
  return typeof name === "string" && typeof classes === "number" && isTensor(features) && isTensor(labels);
}

function isTensor(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return typeof value.dtype === "string" && Array.isArray(value.shape) && ArrayBuffer.isView(value.data);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function wrongExport(path: string, part: string, value: unknown): AnabranchError {
  const received = isRecord(value)
    ? `an object with ${Object.keys(value).join(", ") || "nothing in it"}`
    : typeof value;
  return new AnabranchError({
    code: "local/export",
    message: `the ${part} of a data set's file is something else`,
    where: path,
    received,
    expected: `${expected}: { name, features: { dtype, shape, data }, labels: { dtype, shape, data }, classes }`,
  });
}
