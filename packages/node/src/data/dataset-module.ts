import { resolve } from "node:path";
import { type ArrayDataset, checkDataset, nearest, type TrainTest } from "@anabranch/core/readers";
import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { suggestion } from "./dataset-name.ts";
import { importLocal } from "./import-local.ts";
import { ownFault } from "./own-fault.ts";

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
  try {
    const data: unknown = await make();
    if (!isRecord(data)) throw wrongExport(path, "result", data);
    const { testRows } = data;
    if (testRows !== undefined && testRows !== "clients" && testRows !== "separate") {
      throw wrongExport(path, "testRows", testRows);
    }
    const parts = { train: checkPart(path, "train", data.train), test: checkPart(path, "test", data.test) };
    return testRows === undefined ? parts : { ...parts, testRows };
  } catch (cause) {
    throw ownFault(cause, resolve(base ?? ".", path), "the function that makes the data set");
  }
}

function checkPart(path: string, part: string, value: unknown): ArrayDataset {
  if (!isArrayDataset(value)) throw wrongExport(path, part, value);
  for (const name of ["features", "labels"] as const) checkElements(path, `${part}.${name}`, value[name]);
  try {
    checkDataset(value);
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    throw new AnabranchError({ ...error.failure, where: `${path}, ${error.failure.where ?? part}` });
  }
  return value;
}

/** Element types and the arrays that hold them. */
const arrays = { float: [Float32Array, Float64Array], int32: [Int32Array], uint8: [Uint8Array] };

/** Refuses an element type that there is not, and an array of another one. */
function checkElements(path: string, part: string, { dtype, data }: HostTensor): void {
  const known = Object.keys(arrays);
  const holders = Object.hasOwn(arrays, dtype) ? arrays[dtype as keyof typeof arrays] : undefined;
  if (holders?.some((array) => data instanceof array) === true) return;
  throw new AnabranchError({
    code: "local/export",
    message: `the ${part} of a data set's file have another element type`,
    where: path,
    received: `dtype ${JSON.stringify(dtype)} with a ${data.constructor.name}`,
    expected:
      holders === undefined
        ? `dtype ${known.map((name) => JSON.stringify(name)).join(", ")}`
        : `a ${holders.map(({ name }) => name).join(" or ")}`,
    ...(holders === undefined ? suggestion(nearest(dtype, known)) : {}),
  });
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
