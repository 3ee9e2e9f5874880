import { describe, expect, it } from "vitest";
import { parseRun } from "../report/run-data.ts";
import { exampleEvents } from "../store/example-events.ts";
import { mlflowFiles } from "./mlflow.ts";
import { runSeries } from "./run-series.ts";
import { seriesCsv, seriesJson } from "./table.ts";
import { tensorboardFile } from "./tensorboard.ts";
import { crc32c, encodeRecords, maskedCrc } from "./tf-record.ts";

const events = exampleEvents({ rounds: 3 }).map((event) => JSON.stringify(event));
const config = 'name = "a|b"\nrounds = 3\n[training]\nlearningRate = 0.05\n[data.partition]\nscheme = "iid"\n';
const run = runSeries(parseRun({ id: "abc234", events: events.join("\n"), config }));

describe("the series of a run", () => {
  it("has a point for each measured round, and the keys of the configuration", () => {
    const loss = run.series.find(({ name }) => name === "train/loss")!;
    expect(loss.points.map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(run.params).toContainEqual(["training.learningRate", "0.05"]);
    expect(run.params).toContainEqual(["data.partition.scheme", "iid"]);
    for (const { points } of run.series)
      for (const { at, value } of points) expect(Number.isFinite(at) && Number.isFinite(value)).toBe(true);
    expect(run.startedAt).toBeLessThanOrEqual(run.endedAt);
  });

  it("leaves out what was not measured, and a configuration that cannot be read", () => {
    const bare = runSeries(
      parseRun({ events: '{"v":1,"type":"round.finished","round":1,"loss":null}', config: "= =" }),
    );
    expect(bare.params).toEqual([]);
    expect(bare.series).toEqual([]);
  });
});

describe("CRC-32C", () => {
  // RFC 3720, B.4
  it.each([
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(255), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [new TextEncoder().encode("123456789"), 0xe3069283],
  ])("has the values of the standard", (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it("is masked as TensorFlow masks it", () => {
    const crc = 0xe3069283n;
    const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
    expect(maskedCrc(new TextEncoder().encode("123456789"))).toBe(Number((rotated + 0xa282ead8n) & 0xffffffffn));
  });
});

describe("a TensorBoard event file", () => {
  const { name, bytes } = tensorboardFile(run);
  const records = decodeRecords(bytes).map(decodeMessage);

  it("has a name that TensorBoard looks for, and begins with its version", () => {
    expect(name).toMatch(/^events\.out\.tfevents\.\d+\.anabranch-/);
    expect(text(records[0]!.get(3)![0])).toBe("brain.Event:2");
  });

  it("has a scalar for each value, with steps that ascend", () => {
    const scalars = records.slice(2).map((event) => {
      const value = decodeMessage(decodeMessage(event.get(5)![0] as Uint8Array).get(1)![0] as Uint8Array);
      return { step: event.get(2)![0], at: event.get(1)![0], tag: text(value.get(1)![0]), value: value.get(2)![0] };
    });
    const expected = run.series.flatMap((one) =>
      one.points.map(({ round, at, value }) => {
        return { step: round, at: at / 1000, tag: one.name, value: Math.fround(value) };
      }),
    );
    expect(new Set(scalars)).toEqual(new Set(expected));
    const steps = scalars.map(({ step }) => step as number);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
  });

  it("has the configuration as a text", () => {
    const value = decodeMessage(decodeMessage(records[1]!.get(5)![0] as Uint8Array).get(1)![0] as Uint8Array);
    const tensor = decodeMessage(value.get(8)![0] as Uint8Array);
    expect(tensor.get(1)).toEqual([7]);
    expect(text(tensor.get(8)![0])).toContain("| name | a\\|b |");
    const metadata = decodeMessage(value.get(9)![0] as Uint8Array);
    expect(text(decodeMessage(metadata.get(1)![0] as Uint8Array).get(1)![0])).toBe("text");
  });

  it("is refused by a reader where a bit of it was turned", () => {
    for (const at of [0, 9, 14, bytes.length - 1]) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      expect(() => decodeRecords(damaged)).toThrow();
    }
    expect(decodeRecords(encodeRecords([new Uint8Array(0)]))).toEqual([new Uint8Array(0)]);
  });
});

describe("an MLflow file store", () => {
  const files = new Map(mlflowFiles(run, "sam").map(({ path, contents }) => [path, contents]));
  const [folder] = [...files.keys()].filter((path) => path.split("/").length === 3);
  const of = (path: string) => files.get(`${folder!.split("/").slice(0, 2).join("/")}/${path}`);

  it("has the experiment and the run, with ids that are the same each time", () => {
    expect(folder).toMatch(/^\d+\/[0-9a-f]{32}\/meta\.yaml$/);
    expect(of("meta.yaml")).toContain(`run_id: "${folder!.split("/")[1]}"\n`);
    expect(of("meta.yaml")).toContain("status: 3\n");
    expect(mlflowFiles(run, "sam").map(({ path }) => path)).toEqual([...files.keys()]);
    expect(mlflowFiles(run, "other")[0]!.path).not.toBe([...files.keys()][0]);
  });

  it("has a line for each value, and a file for each parameter", () => {
    const { points } = run.series.find(({ name }) => name === "test/accuracy")!;
    const lines = of("metrics/test/accuracy")!.trimEnd().split("\n");
    expect(lines).toEqual(points.map(({ at, value, round }) => `${at} ${value} ${round}`));
    expect(of("params/training.learningRate")).toBe("0.05");
    expect(of("tags/mlflow.runName")).toBe(run.name);
  });

  it("has no path that leads elsewhere", () => {
    const odd = mlflowFiles(
      {
        ...run,
        params: [
          ["../../x", "1"],
          ["a/../b:c", "2"],
          ["", "3"],
        ],
      },
      "sam",
    );
    const paths = odd.map(({ path }) => path).filter((path) => path.includes("/params/"));
    expect(paths.map((path) => path.split("/params/")[1])).toEqual(["_/_/x", "a/_/b_c", "_"]);
  });
});

describe("tables", () => {
  it("have a row for each value", () => {
    const lines = seriesCsv(run).trimEnd().split("\r\n");
    expect(lines[0]).toBe("run,name,algorithm,metric,round,unix_ms,value");
    expect(lines).toHaveLength(1 + run.series.reduce((sum, { points }) => sum + points.length, 0));
  });

  it("are JSON that holds the same", () => {
    const { series, params, ...rest } = JSON.parse(seriesJson(run));
    expect(series).toEqual(run.series);
    expect(params).toEqual(Object.fromEntries(run.params));
    expect(rest.id).toBe(run.id);
  });
});

function text(value: unknown): string {
  return new TextDecoder().decode(value as Uint8Array);
}

/** TFRecord as its format page describes it; CRCs are computed bit by bit. */
function decodeRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== masked(file.subarray(at, at + 8))) throw new Error("length");
    const record = file.slice(at + 12, at + 12 + length);
    if (view.getUint32(at + 12 + length, true) !== masked(record)) throw new Error("record");
    records.push(record);
    at += length + 16;
  }
  return records;
}

function masked(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number(((((crc >> 15n) | (crc << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn);
}

/** The fields of a protobuf message by number: varints and floats as numbers, the rest as bytes. */
function decodeMessage(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag & 7;
    let value: number | Uint8Array;
    if (kind === 0) value = varint();
    else if (kind === 1) {
      value = view.getFloat64(at, true);
      at += 8;
    } else if (kind === 5) {
      value = view.getFloat32(at, true);
      at += 4;
    } else {
      const length = varint();
      value = bytes.slice(at, at + length);
      at += length;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}
