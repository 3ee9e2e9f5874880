import { gzipSync } from "fflate";
import jpeg from "jpeg-js";
import { parquetFile } from "../../packages/core/src/data/readers/testing/parquet-file.ts";
import { IMAGES, TREES } from "../../packages/core/src/data/readers/testing/parquet-samples.ts";
import { pngFile } from "../../packages/core/src/data/readers/testing/png-file.ts";
import {
  type ArrayDataset,
  checkDataset,
  decodeBroadcast,
  decodeCheckpoint,
  decodeImage,
  decodeSafetensors,
  decodeUpdate,
  encodeBroadcast,
  encodeCheckpoint,
  encodeSafetensors,
  encodeUpdate,
  gunzip,
  parseConfig,
  readCifar10,
  readCsv,
  readIdx,
  readParquet,
  readTextBySpeaker,
  renderToml,
  resolveConfig,
} from "../../packages/core/src/index.ts";
import { encodeSealed } from "../../packages/core/src/protocol/index.ts";
import { checkpointContents } from "../../packages/core/src/round/checkpoint.ts";
import { checkpoint } from "./checkpoint.ts";
import { codecReaders } from "./codecs.ts";

/** A reader of foreign bytes, with valid files to damage. */
export interface FuzzedReader {
  readonly samples: readonly Uint8Array[];
  /** Damaged files that the slow suite reads, where it is another number than 50,000. */
  readonly cases?: number;
  read(bytes: Uint8Array): unknown;
}

const text = (value: string) => new TextEncoder().encode(value);
const bytesOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const idx = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8);
const idxLabels = Uint8Array.of(0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1);
const table = text('width,"the ""height""",kind,site\r\n1.5,2,oak,A\n-3,4e2,"el\nm",B\n0,1,oak,A\n');
const play = text("ANN:\nabcd\n\nBOB:\nxy\n\nANN:\nefg\nh\n\ni\n\nCAT:\nzzzz zzzz\n");
const rows = Uint8Array.from({ length: 4 * 13 }, (_, i) => (i % 13 === 0 ? i % 5 : i * 37));
const colours = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => i * 7);
const dictionary = { encoding: 8, dictionary: [7, 0, 0, 0, 9, 0, 0, 0], dictionaryValues: 2 };

const contents = checkpointContents(checkpoint);
const sealed = { kind: "checkpoint", version: "1" };

/** The data set, checked as the loader checks it. */
function whole(dataset: ArrayDataset): ArrayDataset {
  checkDataset(dataset);
  return dataset;
}

async function readTable(bytes: Uint8Array): Promise<unknown> {
  const choices = [
    { label: "kind", features: ["age", "width"], group: "site" },
    { label: "label", features: ["image"], channels: 1 as const },
    { label: "x", features: ["x"] },
  ];
  const errors: unknown[] = [];
  for (const choice of choices) {
    try {
      return whole(await readParquet(bytes, { name: "fuzz", ...choice }));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "data/column")) throw error;
      errors.push(error);
    }
  }
  throw errors[0];
}

export const readers: Readonly<Record<string, FuzzedReader>> = {
  ...codecReaders,
  "idx labels": { samples: [idxLabels, gzipSync(idxLabels)], read: (bytes) => readIdx(idx, bytes, { name: "fuzz" }) },
  "idx images": { samples: [idx, gzipSync(idx)], read: (bytes) => whole(readIdx(bytes, idxLabels, { name: "fuzz" })) },
  cifar: {
    samples: [Uint8Array.from({ length: 3073 }, (_, i) => i % 10)],
    read: (bytes) => whole(readCifar10([bytes])),
  },
  csv: {
    samples: [table, gzipSync(table)],
    read: (bytes) => whole(readCsv(bytes, { name: "fuzz", label: "kind", group: "site" })),
  },
  parquet: {
    samples: [
      TREES,
      IMAGES,
      parquetFile(),
      parquetFile({ ...dictionary, body: [1, 6, 1] }),
      parquetFile({ ...dictionary, body: [1, 3, 5] }),
    ],
    read: readTable,
  },
  /** A file that is whole around a page of any bytes: type, encoding, compression, rows, dictionary, body. */
  "parquet pages": {
    samples: [
      Uint8Array.of(1, 0, 0, 3, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0),
      Uint8Array.of(1, 8, 0, 9, 8, 7, 0, 0, 0, 9, 0, 0, 0, 1, 18, 1),
      Uint8Array.of(2, 5, 0, 3, 0, 128, 1, 4, 3, 10, 2, 0, 0, 0, 0),
      Uint8Array.of(1, 0, 25, 3, 0, 12, 12, 1, 0, 0, 0, 17, 4),
    ],
    read: ([type = 0, encoding = 0, codec = 0, rows = 0, dictionaryBytes = 0, ...rest]) =>
      readTable(
        parquetFile({
          type: type % 8,
          encoding: encoding % 10,
          codec: codec % 2,
          rows,
          ...(dictionaryBytes > 0 && { dictionary: rest.slice(0, dictionaryBytes), dictionaryValues: rows % 7 }),
          body: rest.slice(dictionaryBytes),
          ...(codec > 1 && { unpackedBytes: codec >> 1 }),
        }),
      ),
  },
  png: {
    samples: [
      pngFile({ width: 4, height: 4, colour: 2, raw: rows }),
      pngFile({ width: 12, height: 4, raw: rows }),
      pngFile({ width: 4, height: 4, depth: 8, colour: 3, palette: new Uint8Array(768), raw: new Uint8Array(20) }),
      pngFile({ width: 5, height: 3, depth: 1, interlaced: true, raw: new Uint8Array(14) }),
    ],
    read: (bytes) => decodeImage(bytes, 3, "fuzz"),
  },
  jpeg: {
    samples: [Uint8Array.from(jpeg.encode({ width: 16, height: 16, data: colours }, 70).data)],
    read: (bytes) => decodeImage(bytes, 1, "fuzz"),
  },
  gzip: {
    samples: [
      gzipSync(table),
      gzipSync(new Uint8Array(10_000)),
      Uint8Array.from([...gzipSync(play), ...gzipSync(idx)]),
    ],
    read: (bytes) => gunzip(bytes, "fuzz"),
  },
  text: {
    samples: [play, gzipSync(play)],
    read: (bytes) => whole(readTextBySpeaker(bytes, { name: "fuzz", length: 3 })),
  },
  safetensors: {
    samples: [
      encodeSafetensors(
        { a: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }, b: { shape: [3], data: Uint8Array.of(1, 2, 3) } },
        { note: "x" },
      ),
    ],
    read: (bytes) => decodeSafetensors(bytes, "fuzz"),
  },
  broadcast: {
    samples: [encodeBroadcast({ round: 3, vectors: { params: Float32Array.of(1, 2) }, scalars: { rate: 0.1 } })],
    read: (bytes) => decodeBroadcast(bytes),
  },
  update: {
    samples: [
      encodeUpdate({
        round: 3,
        client: 17,
        layoutHash: "00ff",
        vectors: { params: Float32Array.of(1, 2, 3) },
        public: { examples: 80, steps: 8, weight: 80, loss: 1.25, seconds: 2, part: 0 },
      }),
    ],
    read: (bytes) => decodeUpdate(bytes),
  },
  checkpoint: {
    samples: [encodeCheckpoint(checkpoint)],
    read: (bytes) => decodeCheckpoint(bytes, "fuzz"),
  },
  /** The same behind a seal that is whole. */
  "checkpoint body": {
    samples: [text(JSON.stringify(contents.body))],
    read: (bytes) => decodeCheckpoint(encodeSealed(sealed, contents.tensors, { body: bytesOf(bytes) }), "fuzz"),
  },
  toml: {
    samples: [text(renderToml(resolveConfig({ model: { name: "mlp", hidden: [10, 20] } })))],
    read: (bytes) => parseConfig(bytesOf(bytes), "fuzz.toml"),
  },
};
