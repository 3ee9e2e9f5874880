import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { NamedDataset, TrainTest } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parquetFile } from "../../../core/src/data/readers/testing/parquet-file.ts";
import { NAMED } from "../../../core/src/data/readers/testing/parquet-samples.ts";
import { type LoadOptions, listDatasets, loadDataset } from "./load-dataset.ts";
import type { DatasetSource } from "./sources.ts";

let folder: string;
/** Looks at nothing of the machine's own. */
let options: LoadOptions;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-data-"));
  options = { environment: {}, cacheDir: join(folder, "cache"), base: folder };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), contents);
}

/** An IDX file of bytes: magic 0 0 8 RANK, big-endian extents, data. */
function idx(shape: readonly number[], data: ArrayLike<number>): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [i, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(data)]);
}

async function putMnist(at: string, train: number, endings = ""): Promise<void> {
  const file = (bytes: Uint8Array) => (endings === ".gz" ? gzipSync(bytes) : bytes);
  for (const [part, count] of [["train", train] as const, ["t10k", 2] as const]) {
    const labels = Array.from({ length: count }, (_, i) => i);
    await put(`${at}/${part}-images-idx3-ubyte${endings}`, file(idx([count, 2, 2], new Uint8Array(count * 4))));
    await put(`${at}/${part}-labels-idx1-ubyte${endings}`, file(idx([count], labels)));
  }
}

/** A PNG file of 2 x 2 grey pixels of value 7. */
const greyImage = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADElEQVR4XmNgZwciAABaAB1zQS1eAAAAAElFTkSuQmCC",
  "base64",
);

const trainCount = (data: TrainTest) => data.train.features.shape[0];

describe("named data sets", () => {
  it("ships five that need no files", async () => {
    const fashion = await loadDataset("fashion-mnist-10k", options);
    expect(fashion.train.features.shape).toEqual([8000, 1, 28, 28]);
    expect(fashion.test.features.shape).toEqual([2000, 1, 28, 28]);
    const shakespeare = await loadDataset("tiny-shakespeare", options);
    expect(shakespeare.train.groupNames?.length).toBeGreaterThan(100);
    expect((await loadDataset("instructions", options)).train.groupNames).toHaveLength(8);
    expect((await loadDataset("block-graph", options)).train.features.shape).toEqual([288, 16]);
    const images = await loadDataset("image-neighbours", options);
    expect([images.train, images.test].map(({ features }) => features.shape)).toEqual([
      [1200, 64],
      [800, 64],
    ]);
    const questions = await loadDataset("image-questions", options);
    expect(questions.train.groupNames).toHaveLength(5);
    expect(images.train.graph!.edges).toHaveLength(2 * 10 * 2000);
  });

  it("lists each with a sentence", () => {
    const names = listDatasets().map(({ name }) => name);
    expect(names).toContain("fashion-mnist");
    expect(names).toContain("csv:PATH");
    for (const { description } of listDatasets()) expect(description).toMatch(/\.$/);
    expect(listDatasets().filter(({ shipped }) => shipped)).toHaveLength(6);
  });

  it("reads the MNIST family from --data-dir before ANABRANCH_DATA, packed or not, in a folder of its name or not", async () => {
    await putMnist("a/fashion-mnist", 3, ".gz");
    await putMnist("b", 5);
    const environment = { ANABRANCH_DATA: join(folder, "b") };
    const first = await loadDataset("fashion-mnist", { ...options, dataDir: join(folder, "a"), environment });
    expect(trainCount(first)).toBe(3);
    expect(first.train).toMatchObject({ name: "fashion-mnist", classes: 10 });
    expect((first.train as NamedDataset).classNames[0]).toBe("T-shirt/top");
    expect(trainCount(await loadDataset("mnist", { ...options, environment }))).toBe(5);
  });

  it("does not take one data set for another", async () => {
    await putMnist("fashion-mnist", 3);
    const dataDir = join(folder, "fashion-mnist");
    expect(trainCount(await loadDataset("fashion-mnist", { ...options, dataDir }))).toBe(3);
    await expect(loadDataset("mnist", { ...options, dataDir })).rejects.toMatchObject({ code: "data/not-found" });
  });

  it("reads CIFAR folders as they unpack", async () => {
    const record = (label: number) => [label, ...new Uint8Array(3072)];
    for (let i = 1; i <= 5; i++) await put(`cifar-10-batches-bin/data_batch_${i}.bin`, Uint8Array.from(record(i)));
    await put("cifar-10-batches-bin/test_batch.bin", Uint8Array.from(record(9)));
    const data = await loadDataset("cifar-10", { ...options, dataDir: folder });
    expect(data.train.features.shape).toEqual([5, 3, 32, 32]);
    expect([...data.train.labels.data]).toEqual([1, 2, 3, 4, 5]);
    await put("cifar-100-binary/train.bin", Uint8Array.from([0, ...record(99)]));
    await put("cifar-100-binary/test.bin", Uint8Array.from([0, ...record(1)]));
    expect((await loadDataset("cifar-100", { ...options, dataDir: folder })).train.classes).toBe(100);
    await put("cifar-10-batches-bin/data_batch_4.bin", Uint8Array.from([1, 2, 3]));
    const error = await loadDataset("cifar-10", { ...options, dataDir: folder }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "data/truncated" });
    expect(String(error)).toContain(join("cifar-10-batches-bin", "data_batch_4.bin"));
  });

  it("says where it looked and what to do", async () => {
    const dataDir = join(folder, "mine");
    const error = await loadDataset("cifar-10", { ...options, dataDir }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "data/not-found" });
    expect(String(error)).toContain(join(dataDir, "cifar-10-batches-bin"));
    expect(String(error)).toMatch(/cifar-10-binary\.tar\.gz/);
  });

  it.each([
    ["cut short", (bytes: Uint8Array) => bytes.slice(0, -1), "data/truncated"],
    ["too long", (bytes: Uint8Array) => Buffer.concat([bytes, Uint8Array.of(0)]), "data/oversized"],
    ["of another kind", () => Buffer.from("<html>not found</html>"), "data/magic"],
  ])("names a file that is %s", async (_, damage, code) => {
    await putMnist("mnist", 3);
    await put("mnist/train-images-idx3-ubyte", damage(idx([3, 2, 2], new Uint8Array(12))));
    const error = await loadDataset("mnist", { ...options, dataDir: folder }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(join(folder, "mnist", "train-images-idx3-ubyte"));
  });

  it("suggests the nearest name", async () => {
    await expect(loadDataset("fashon-mnist-10k", options)).rejects.toThrow(/Did you mean "fashion-mnist-10k"/);
    await expect(loadDataset("data/patients.csv", options)).rejects.toThrow(/Did you mean "csv:data\/patients.csv"/);
    await expect(loadDataset("image:cats", options)).rejects.toThrow(/Did you mean "images"/);
  });
});

describe("the cache", () => {
  const cached = () => ({ ...options, cacheDir: folder });
  /** Stands in for the published set: files of four images, with their hashes. */
  async function published(): Promise<DatasetSource> {
    await putMnist("fashion-mnist", 4, ".gz");
    const names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    const entries = names.map(async (name) => {
      const file = `${name}-ubyte.gz`;
      const contents = gunzipSync(await readFile(join(folder, "fashion-mnist", file)));
      const sha256 = createHash("sha256").update(contents).digest("hex");
      return [file, { url: "http://127.0.0.1:9/none", sha256, hashOf: "contents" as const }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  it("gives only the files that were published", async () => {
    await published();
    const error = await loadDataset("fashion-mnist", cached()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "data/checksum" });
    expect(String(error)).toContain(join(folder, "fashion-mnist", "train-images-idx3-ubyte.gz"));
    expect(String(error)).toMatch(/Delete it and download the data set again/);
  });

  it("takes the published files, packed or not, and downloads others anew", async () => {
    const source = await published();
    const download = { source, idleTimeoutMs: 1000 };
    expect(trainCount(await loadDataset("fashion-mnist", { ...cached(), download }))).toBe(4);
    const path = join(folder, "fashion-mnist", "train-labels-idx1-ubyte");
    await writeFile(path, gunzipSync(await readFile(`${path}.gz`)));
    await rm(`${path}.gz`);
    expect(trainCount(await loadDataset("fashion-mnist", { ...cached(), download }))).toBe(4);
    await writeFile(path, idx([4], [0, 0, 0, 0]));
    // Nobody answers at the address: that the download is tried is what counts.
    const error = loadDataset("fashion-mnist", { ...cached(), download });
    await expect(error).rejects.toMatchObject({ code: "data/download" });
  });

  it("is not asked where the user names a folder", async () => {
    await putMnist("mine/fashion-mnist", 2);
    const named = await loadDataset("fashion-mnist", { ...cached(), dataDir: join(folder, "mine") });
    expect(trainCount(named)).toBe(2);
  });
});

describe("foreign files", () => {
  it.skipIf(process.platform === "win32")("may be no pipes, and none in a folder of images", async () => {
    await mkdir(join(folder, "pets", "cat"), { recursive: true });
    execFileSync("mkfifo", [join(folder, "table.csv"), join(folder, "pets", "cat", "1.png")]);
    await expect(loadDataset("csv:table.csv?label=y", options)).rejects.toMatchObject({ code: "data/unreadable" });
    await expect(loadDataset("images:pets", options)).rejects.toMatchObject({ code: "data/empty" });
  });

  it("end with the interrupt of the operator", async () => {
    await put("patients.csv", "x,y\n1,2\n");
    const signal = AbortSignal.abort();
    const loading = loadDataset("csv:patients.csv?label=y", { ...options, signal });
    await expect(loading).rejects.toMatchObject({ code: "run/interrupted" });
  });

  it("are refused with the message of the reader, from a thread of its own", async () => {
    await put("x.parquet", parquetFile({ rows: 5_000_000, values: 3 }));
    const loading = loadDataset("parquet:x.parquet?label=x&features=x", options);
    await expect(loading).rejects.toThrow(/x\.parquet.*3 values of x for 5000000 rows/);
  });
});

describe("own files", () => {
  const table = (rows: number) =>
    `age,size,sick,site\n${Array.from({ length: rows }, (_, i) => `${i},${2 * i},${i % 2 ? "yes" : "no"},s${i % 3}`).join("\n")}\n`;

  it("reads a table, with a share of each class as the test set", async () => {
    await put("patients.csv", table(20));
    const { train, test } = await loadDataset("csv:patients.csv?label=sick&group=site&features=size", options);
    expect(train).toMatchObject({ name: "patients.csv", classes: 2 });
    expect(train.features.shape).toEqual([16, 1]);
    expect(test.features.shape).toEqual([4, 1]);
    expect(train.groupNames).toEqual(["s0", "s1", "s2"]);
  });

  it("reads a graph from two files, of which 40 % of the nodes are test nodes, from the data folder too", async () => {
    const lines = Array.from({ length: 10 }, (_, i) => `n${i}\t${i}\t1\t${i % 2 === 0 ? "even" : "odd"}\n`);
    await put("d/ring.content", lines.join(""));
    await put("d/ring.cites", Array.from({ length: 10 }, (_, i) => `n${i}\tn${(i + 1) % 10}\n`).join(""));
    const { train, test, testRows } = await loadDataset("graph:ring.content", {
      ...options,
      dataDir: join(folder, "d"),
    });
    expect([train, test].map(({ features }) => features.shape)).toEqual([
      [6, 2],
      [4, 2],
    ]);
    expect([...train.graph!.nodes, ...test.graph!.nodes].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(train.graph!.edges).toEqual(test.graph!.edges);
    expect(testRows).toBe("clients");
    await rm(join(folder, "d", "ring.cites"));
    await expect(loadDataset("graph:d/ring.content", options)).rejects.toThrow(/ring\.cites/);
    await expect(loadDataset("d/ring.content", options)).rejects.toThrow(/Did you mean "graph:d\/ring.content"/);
  });

  it("takes the test set from a file of its own, from the data folder too", async () => {
    await put("d/train.csv", table(6));
    await put("d/test.csv", "age,size,sick,site\n1,2,yes,s0\n");
    const name = "csv:train.csv?label=sick&features=age,size&test=test.csv";
    const { train, test } = await loadDataset(name, { ...options, dataDir: join(folder, "d") });
    expect(train.features.shape).toEqual([6, 2]);
    expect([...test.labels.data]).toEqual([1]);
  });

  it("are split into clients' own test examples, unless a test set is given; published ones have one", async () => {
    await put("t.csv", table(20));
    const rowsOf = async (name: string) => (await loadDataset(name, { ...options, dataDir: folder })).testRows;
    expect(await rowsOf("csv:t.csv?label=sick&features=age")).toBe("clients");
    expect(await rowsOf("csv:t.csv?label=sick&features=age&test=t.csv")).toBeUndefined();
    expect(await rowsOf("tiny-shakespeare")).toBe("clients");
    await put("play.txt", "A:\nTo be, or not to be, that is the question.\n\nB:\nWhether it is nobler.\n");
    expect(await rowsOf("text:play.txt?length=4")).toBe("clients");
    for (let i = 0; i < 5; i++) await put(`plain/cat/${i}.png`, greyImage);
    await put("plain/dog/1.png", greyImage);
    expect(await rowsOf("images:plain?channels=1")).toBe("clients");
    expect(await rowsOf("fashion-mnist-10k")).toBe("separate");
    await putMnist("mnist", 3);
    expect(await rowsOf("mnist")).toBe("separate");
    const module = (rows: string) =>
      `const part = { name: "m", features: { dtype: "float", shape: [1, 1], data: Float32Array.of(1) },
        labels: { dtype: "uint8", shape: [1], data: Uint8Array.of(0) }, classes: 2 };
      export default () => ({ train: part, test: part${rows} });`;
    for (const [name, rows] of [
      ["none", ""],
      ["clients", ', testRows: "clients"'],
      ["wrong", ", testRows: true"],
    ] as const)
      await put(`${name}.mjs`, module(rows));
    expect(await rowsOf("module:none.mjs")).toBeUndefined();
    expect(await rowsOf("module:clients.mjs")).toBe("clients");
    await expect(rowsOf("module:wrong.mjs")).rejects.toMatchObject({ code: "local/export" });
  });

  it("says how to name the columns, and refuses options it does not know", async () => {
    await put("patients.csv", table(4));
    await expect(loadDataset("csv:patients.csv", options)).rejects.toThrow(/csv:patients.csv\?label=COLUMN/);
    await expect(loadDataset("csv:patients.csv?labels=sick", options)).rejects.toThrow(/Did you mean "label"/);
    const fraction = loadDataset("csv:patients.csv?label=sick&features=age&testFraction=half", options);
    await expect(fraction).rejects.toMatchObject({ code: "data/option" });
    await expect(loadDataset("csv:absent.csv", options)).rejects.toThrow(join(folder, "absent.csv"));
  });

  it("reads folders of images, split by train and test folders where there are any", async () => {
    for (let i = 0; i < 5; i++) {
      await put(`plain/cat/${i}.png`, greyImage);
      await put(`plain/dog/${i}.png`, greyImage);
    }
    await put("plain/cat/.hidden.png", "no image");
    await put("plain/notes.txt", "no image");
    const plain = await loadDataset("images:plain?channels=1", options);
    expect(plain.train.features.shape).toEqual([8, 1, 2, 2]);
    expect((plain.train as NamedDataset).classNames).toEqual(["cat", "dog"]);
    for (const path of ["train/cat/1.png", "train/dog/1.png", "test/dog/2.png"]) await put(`split/${path}`, greyImage);
    const split = await loadDataset("images:split", options);
    expect(split.train.features.shape).toEqual([2, 3, 2, 2]);
    expect([...split.test.labels.data]).toEqual([1]);
    const grey = loadDataset("images:split?channels=2", options);
    await expect(grey).rejects.toMatchObject({ code: "data/option" });
    const scaled = await loadDataset("images:split?channels=1&size=3x1", options);
    expect(scaled.train.features.shape).toEqual([2, 1, 1, 3]);
    const asModel = await loadDataset("images:split", { ...options, reading: { image: [1, 4, 4] } });
    expect(asModel.test.features.shape).toEqual([1, 1, 4, 4]);
    await expect(loadDataset("images:split?size=large", options)).rejects.toThrow(/such as 28x28/);
    await put("split/train/cat/1.png", "no image");
    await expect(loadDataset("images:split", options)).rejects.toThrow(/train\/cat\/1.png/);
  });

  it("reads Parquet folders as Hugging Face has them, with the split of their names", async () => {
    for (const part of ["train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001"])
      await put(`pets/data/${part}.parquet`, NAMED);
    const { train, test } = await loadDataset("parquet:pets?features=x", options);
    expect([train.features.shape, test.features.shape]).toEqual([
      [6, 1],
      [3, 1],
    ]);
    expect(train).toMatchObject({ name: "pets", classNames: ["cat", "dog", "eel"] });
    await put("pets/data/test-00000-of-00001.parquet", NAMED.subarray(0, 50));
    await expect(loadDataset("parquet:pets?features=x", options)).rejects.toThrow(/test-00000-of-00001\.parquet/);
  });

  it("reads LEAF folders, split by their folders or at the end of each user's examples", async () => {
    const users = (names: string[]) => {
      const data = Object.fromEntries(
        names.map((user, i) => [
          user,
          {
            x: [
              [i, 1],
              [2, 3],
            ],
            y: [0, 1],
          },
        ]),
      );
      return JSON.stringify({ users: names, num_samples: names.map(() => 2), user_data: data });
    };
    await put("femnist/data/train/all_0.json", users(["a", "b"]));
    await put("femnist/data/test/all_0.json", users(["a"]));
    const { train, test } = await loadDataset("leaf:femnist?size=2x1", options);
    expect([train.features.shape, test.features.shape]).toEqual([
      [4, 1, 1, 2],
      [2, 1, 1, 2],
    ]);
    expect(train.groupNames).toEqual(["a", "b"]);
    const one = await loadDataset("leaf:femnist/data/train/all_0.json?testFraction=0.5", options);
    expect([...one.train.labels.data, ...one.test.labels.data]).toEqual([0, 0, 1, 1]);
    await expect(loadDataset("leaf:femnist?words=0", options)).rejects.toMatchObject({ code: "data/option" });
  });

  it("reads a play by speaker", async () => {
    const play = ["A", "B"].map((speaker) => `${speaker}:\n${"words ".repeat(20)}`).join("\n\n");
    await put("play.txt", play);
    const { train, test } = await loadDataset("text:play.txt?length=10&testFraction=0.5", options);
    expect(train.groupNames).toEqual(["A", "B"]);
    expect(train.features.shape[1]).toBe(10);
    expect(test.features.shape[0]).toBeGreaterThan(0);
  });

  it("takes a data set from a module", async () => {
    await put(
      "mine.mjs",
      `const part = (name) => ({ name, classes: 2, features: { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(1, 2) },
         labels: { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 1) } });
       export default async () => ({ train: part("mine"), test: part("mine (test)") });`,
    );
    expect((await loadDataset("module:mine.mjs", options)).train.name).toBe("mine");
  });
});
