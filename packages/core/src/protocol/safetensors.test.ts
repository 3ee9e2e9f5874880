import { AnabranchError } from "@anabranch/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duplicateKey } from "./header-json.ts";
import { decodeSafetensors } from "./safetensors-read.ts";
import type { SafetensorsTensor } from "./safetensors-types.ts";
import { encodeSafetensors, layOutSafetensors } from "./safetensors-write.ts";

/** A file made by hand, independent of the encoder. */
function file(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  for (let i = 0, rest = json.length; i < 8; i++, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const vector = (...values: number[]): SafetensorsTensor => ({
  shape: [values.length],
  data: Float32Array.from(values),
});

const data = fc.oneof(
  fc.float32Array({ maxLength: 9 }),
  fc.float64Array({ maxLength: 9 }),
  fc.uint8Array({ maxLength: 9 }),
  fc.int32Array({ maxLength: 9 }),
  fc.bigInt64Array({ maxLength: 9 }),
);
const name = fc.string({ unit: "binary" }).filter((text) => text !== "__metadata__" && text !== "__proto__");
const tensors = fc
  .dictionary(
    name,
    data.map((values): SafetensorsTensor => ({ shape: [values.length, 1], data: values })),
    { maxKeys: 6 },
  )
  .map((record) => ({ ...record }));
const metadata = fc.dictionary(name, fc.string({ unit: "binary" }), { maxKeys: 3 }).map((record) => ({ ...record }));

function caught(action: () => unknown): AnabranchError {
  try {
    action();
  } catch (error) {
    if (error instanceof AnabranchError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("encodeSafetensors", () => {
  it("writes the header that the format demands", () => {
    const bytes = encodeSafetensors(
      {
        bytes: { shape: [3], data: Uint8Array.of(7, 8, 9) },
        x: vector(1, -2),
        y: { shape: [], data: Float64Array.of(0.5) },
      },
      { b: "2", a: "1" },
    );
    // By hand: the float64 first (8 bytes), then the float32 pair (8 bytes), then the three bytes.
    const json =
      '{"__metadata__":{"a":"1","b":"2"},"y":{"dtype":"F64","shape":[],"data_offsets":[0,8]},' +
      '"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"bytes":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}';
    const padding = (8 - (json.length % 8)) % 8;
    expect(new DataView(bytes.buffer).getUint32(0, true)).toBe(json.length + padding);
    expect(new DataView(bytes.buffer).getUint32(4, true)).toBe(0);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + json.length + padding))).toBe(json + " ".repeat(padding));
    // 0.5 = 0x3FE0..., 1 = 0x3F800000, -2 = 0xC0000000, little-endian.
    const tail = [0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 7, 8, 9];
    expect([...bytes.subarray(8 + json.length + padding)]).toEqual(tail);
  });

  it("does not depend on the order of names", () => {
    expect(encodeSafetensors({ a: vector(1), b: vector(2) })).toEqual(
      encodeSafetensors({ b: vector(2), a: vector(1) }),
    );
  });

  it("plans the exact size and writes at an offset of shared memory", () => {
    const plan = layOutSafetensors({ a: vector(1, 2, 3) }, { k: "v" });
    const shared = new Uint8Array(new SharedArrayBuffer(plan.byteLength + 16));
    expect(plan.write(shared, 5)).toBe(plan.byteLength);
    expect(shared.slice(5, 5 + plan.byteLength)).toEqual(encodeSafetensors({ a: vector(1, 2, 3) }, { k: "v" }));
    expect([shared[4], shared[5 + plan.byteLength]]).toEqual([0, 0]);
    expect([
      ...(decodeSafetensors(shared.subarray(5, 5 + plan.byteLength), "t").tensors.a!.data as Float32Array),
    ]).toEqual([1, 2, 3]);
    expect(() => plan.write(shared, 17)).toThrow(expect.objectContaining({ code: "safetensors/size" }));
  });

  it.each([
    ["safetensors/name", { __metadata__: vector(1) }],
    ["safetensors/name", { ["a".repeat(1025)]: vector(1) }],
    ["safetensors/shape", { a: { shape: [2], data: new Float32Array(3) } }],
    ["safetensors/shape", { a: { shape: [-1, -3], data: new Float32Array(3) } }],
  ])("refuses: %s", (code, bad) => {
    expect(() => encodeSafetensors(bad)).toThrow(expect.objectContaining({ code }));
  });
});

describe("decodeSafetensors", () => {
  it("gives back what was encoded, bit for bit", () => {
    fc.assert(
      fc.property(tensors, metadata, (input, texts) => {
        const decoded = decodeSafetensors(encodeSafetensors(input, texts), "test");
        expect(decoded.metadata).toEqual(texts);
        expect(Object.keys(decoded.tensors).sort()).toEqual(Object.keys(input).sort());
        for (const [key, tensor] of Object.entries(input)) {
          const got = decoded.tensors[key]!;
          expect(got.shape).toEqual(tensor.shape);
          expect(got.data.constructor).toBe(tensor.data.constructor);
          expect(rawBytes(got)).toEqual(rawBytes(tensor));
        }
      }),
    );
  });

  it("gives views of aligned bytes and copies of others", () => {
    const bytes = encodeSafetensors({ a: vector(1, 2) });
    expect(decodeSafetensors(bytes, "t").tensors.a!.data.buffer).toBe(bytes.buffer);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const copied = decodeSafetensors(shifted.subarray(1), "t").tensors.a!;
    expect(copied.data.buffer).not.toBe(shifted.buffer);
    expect([...(copied.data as Float32Array)]).toEqual([1, 2]);
  });

  it("reads files of other writers: any order, any padding, empty tensors", () => {
    const header =
      '{"late":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"none":{"data_offsets":[4,4],"shape":[0,3],"dtype":"F32"},' +
      '"early":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   ';
    const decoded = decodeSafetensors(file(header, Uint8Array.of(0, 0, 0x80, 0x3f, 9)), "t").tensors;
    expect([...(decoded.early!.data as Float32Array)]).toEqual([1]);
    expect([...(decoded.late!.data as Uint8Array)]).toEqual([9]);
    expect(decoded.none!.data.length).toBe(0);
  });

  const one = '"dtype":"F32","shape":[1],"data_offsets":[0,4]';
  const four = new Uint8Array(4);
  const nested = "[".repeat(100_000) + "]".repeat(100_000);
  it.each<[string, string, Uint8Array]>([
    ["safetensors/truncated", "no header", new Uint8Array(7)],
    ["safetensors/truncated", "header cut", file(`{"a":{${one}}}`, four).subarray(0, 20)],
    ["safetensors/truncated", "data cut", file(`{"a":{${one}}}`, new Uint8Array(3))],
    ["safetensors/header", "length of 2^64 - 1", new Uint8Array(8).fill(255)],
    ["safetensors/header", "not JSON", file("{nonsense}")],
    [
      "safetensors/header",
      "not UTF-8",
      file("").length === 8 ? Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff) : four,
    ],
    ["safetensors/header", "an array", file("[]")],
    ["safetensors/header", "leading space", file(" {}")],
    ["safetensors/header", "tensor is a number", file('{"a":1}')],
    ["safetensors/header", "name twice", file(`{"a":{${one}},"a":{${one}}}`, four)],
    ["safetensors/header", "property twice", file(`{"a":{${one},"shape":[1]}}`, four)],
    ["safetensors/header", "unknown property", file(`{"a":{${one},"extra":1}}`, four)],
    ["safetensors/header", "metadata not text", file('{"__metadata__":{"a":1}}')],
    ["safetensors/header", "metadata a list", file('{"__metadata__":[]}')],
    ["safetensors/header", "__proto__", file(`{"__proto__":{${one}}}`, four)],
    ["safetensors/dtype", "unknown type", file(`{"a":{${one.replace("F32", "F8")}}}`, four)],
    ["safetensors/dtype", "inherited name", file(`{"a":{${one.replace("F32", "toString")}}}`, four)],
    ["safetensors/shape", "shape and bytes differ", file(`{"a":{${one.replace("[1]", "[2]")}}}`, four)],
    ["safetensors/shape", "negative", file(`{"a":{${one.replace("[1]", "[-1]")}}}`, four)],
    ["safetensors/shape", "fraction", file(`{"a":{${one.replace("[1]", "[0.5]")}}}`, four)],
    ["safetensors/shape", "overflow", file(`{"a":{${one.replace("[1]", "[4294967296,4294967296]")}}}`, four)],
    ["safetensors/offsets", "backwards", file(`{"a":{${one.replace("[0,4]", "[4,0]")}}}`, four)],
    ["safetensors/offsets", "three", file(`{"a":{${one.replace("[0,4]", "[0,4,8]")}}}`, four)],
    ["safetensors/offsets", "gap", file(`{"a":{${one.replace("[0,4]", "[4,8]")}}}`, new Uint8Array(8))],
    ["safetensors/offsets", "overlap", file(`{"a":{${one}},"b":{${one}}}`, four)],
    ["safetensors/offsets", "bytes left over", file(`{"a":{${one}}}`, new Uint8Array(5))],
    [
      "safetensors/header",
      "a shape of nested lists",
      file(`{"a":{"dtype":"F32","shape":${nested},${one.slice(26)}}}`, four),
    ],
    ["safetensors/header", "metadata of nested lists", file(`{"__metadata__":{"a":${nested}}}`)],
    ["safetensors/header", "nested lists alone", file(nested)],
    ["safetensors/header", "lists that never close", file("[".repeat(100_000))],
    ["safetensors/name", "a name of 8 MB", file(`{"${"a".repeat(2 ** 23)}":{${one}}}`, four)],
    ["safetensors/name", "a name of escapes", file(`{"${"\\u0061".repeat(2 ** 20)}":{${one}}}`, four)],
    ["safetensors/header", "a property of 8 MB", file(`{"a":{"${"a".repeat(2 ** 23)}":1}}`, four)],
    ["safetensors/dtype", "a type of 8 MB", file(`{"a":{${one.replace("F32", "F".repeat(2 ** 23))}}}`, four)],
    ["safetensors/shape", "65 dimensions", file(`{"a":{${one.replace("[1]", `[${Array(65).fill(1)}]`)}}}`, four)],
    ["safetensors/shape", "a million dimensions", file(`{"a":{"dtype":"F32","shape":[0${",0".repeat(1e6)}]}}`)],
  ])("refuses: %s, %s", (code, _, bytes) => {
    const error = caught(() => decodeSafetensors(bytes, "the test file"));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(/the test file/);
    expect(error.message.length).toBeLessThan(500);
  });

  it("refuses a header that would grow when it is parsed", () => {
    const bytes = file(`{${Array.from({ length: 50 }, (_, i) => `"${i}":{}`)}}`);
    expect(caught(() => decodeSafetensors(bytes, "t", { maxHeaderValues: 99 })).message).toMatch(/at most 99 objects/);
    expect(caught(() => decodeSafetensors(bytes, "t", { maxHeaderValues: 100 })).code).toBe("safetensors/dtype");
  });

  it("keeps to its limits", () => {
    const bytes = encodeSafetensors({ a: vector(1, 2, 3) });
    expect(() => decodeSafetensors(bytes, "t", { maxBytes: bytes.length - 1 })).toThrow(/at most/);
    expect(() => decodeSafetensors(bytes, "t", { maxHeaderBytes: 16 })).toThrow(/header is longer/);
  });

  it("answers any bytes with a result or an AnabranchError", () => {
    const valid = encodeSafetensors({ a: vector(1, 2, 3), b: { shape: [2], data: Int32Array.of(4, 5) } }, { k: "v" });
    const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(valid.length), (changes, length) => {
        const bytes = valid.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          decodeSafetensors(bytes, "fuzz");
        } catch (error) {
          expect(error).toBeInstanceOf(AnabranchError);
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.json(), fc.uint8Array({ maxLength: 16 }), (json, rest) => {
        try {
          decodeSafetensors(file(json, rest), "fuzz");
        } catch (error) {
          expect(error).toBeInstanceOf(AnabranchError);
        }
      }),
    );
  });
});

describe("duplicateKey", () => {
  it("finds keys, not values, in their own object, whatever their escapes", () => {
    expect(duplicateKey('{"a":"a","b":{"a":["a","a"]},"c":"{\\"a\\":1"}')).toBeUndefined();
    expect(duplicateKey('{"a":1,"\\u0061" :2}')).toBe("a");
    expect(duplicateKey('{"x":[{"k":1},{"k":2,"k":3}]}')).toBe("k");
  });

  it("agrees with a count of keys on objects of unique keys", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(duplicateKey(JSON.stringify(JSON.parse(json)))).toBeUndefined();
      }),
    );
  });
});

function rawBytes({ data: { buffer, byteOffset, byteLength } }: SafetensorsTensor): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
