import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDatasetPath } from "../data/dataset-name.ts";
import { mapPathValue, withAbsolutePaths } from "./config-paths.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-paths-"));
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "there.csv"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const datasetOf = (dataset: string, base = "/base", dataDir?: string) =>
  withAbsolutePaths(resolveConfig({ data: { dataset } }), { folderOf: () => base, dataDir }).data.dataset;

it.each([
  ["csv:a.csv?label=x y&test=../b.csv&features=a,b", "csv:/base/a.csv?label=x y&test=/b.csv&features=a,b"],
  ["csv:a.csv?te%73t=b.csv", "csv:/base/a.csv?test=/base/b.csv"],
  ["csv:a.csv??test=b.csv", "csv:/base/a.csv?test=/base/b.csv"],
  ["parquet:/full/a.parquet?label=x", "parquet:/full/a.parquet?label=x"],
  ["images:photos/", "images:/base/photos"],
  ["text:plays/a.txt?length=40", "text:/base/plays/a.txt?length=40"],
  ["module:./mine.ts", "module:/base/mine.ts"],
  ["csv:a.csv?label=sick?", "csv:/base/a.csv?label=sick?"],
  ["csv:", "csv:"],
  ["mnist", "mnist"],
  ["synthetic", "synthetic"],
])("makes the paths in %j absolute", (name, absolute) => {
  expect(datasetOf(name)).toBe(absolute);
  expect(datasetOf(absolute, "/elsewhere")).toBe(absolute);
});

it("keeps folders whose names mean something in a data set's name", () => {
  const name = datasetOf("csv:a.csv?label=x&test=b+c d%25.csv", "/100% a?b&c+d");
  expect(parseDatasetPath(name)).toEqual({
    kind: "csv",
    path: "/100% a?b&c+d/a.csv",
    options: { label: "x", test: "/100% a?b&c+d/b c d%.csv" },
  });
});

it("finds data files in the data folder where they are not beside the configuration", () => {
  const dataDir = join(folder, "data");
  expect(datasetOf("csv:there.csv", folder, dataDir)).toBe(`csv:${join(dataDir, "there.csv")}`);
  expect(datasetOf("csv:absent.csv", folder, dataDir)).toBe(`csv:${join(folder, "absent.csv")}`);
});

it("makes every other path of a configuration absolute", () => {
  const given = resolveConfig({
    data: { file: "d.ts", dataDir: "data" },
    model: { file: "m.ts", initialWeights: "w.safetensors", extra: "x.ts" },
    algorithm: { file: "../a.ts" },
  });
  const { data, model, algorithm } = withAbsolutePaths(given, { folderOf: (key) => `/of-${key}` });
  expect(data).toMatchObject({ file: "/of-data.file/d.ts", dataDir: "/of-data.dataDir/data" });
  expect(model).toMatchObject({ file: "/of-model.file/m.ts", extra: "x.ts" });
  expect(model.initialWeights).toBe("/of-model.initialWeights/w.safetensors");
  expect(algorithm.file).toBe("/a.ts");
  const overridden = withAbsolutePaths(given, { folderOf: () => "/base", dataDir: "here" });
  expect(overridden.data.dataDir).toBe(resolve("here"));
});

it("maps single values of a sweep by their keys", () => {
  const map = (path: string) => `<${path}>`;
  expect(mapPathValue("model.file", "m.ts", map)).toBe("<m.ts>");
  expect(mapPathValue("data.dataset", "csv:a.csv", map)).toBe("csv:<a.csv>");
  expect(mapPathValue("model.name", "m.ts", map)).toBe("m.ts");
  expect(mapPathValue("model.file", "", map)).toBe("");
  expect(mapPathValue("rounds", 3, map)).toBe(3);
});
