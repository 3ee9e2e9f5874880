import { AnabranchError } from "@anabranch/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Broadcast,
  decodeBroadcast,
  decodeUpdate,
  encodeBroadcast,
  encodedSize,
  encodeInto,
  encodeUpdate,
  type Update,
  vectorOffsets,
} from "./message.ts";
import { decodeSafetensors } from "./safetensors-read.ts";
import { encodeSafetensors } from "./safetensors-write.ts";

const name = fc.string({ unit: "binary" }).filter((text) => text !== "__proto__");
const vectors = fc
  .dictionary(name, fc.oneof(fc.float32Array({ maxLength: 9 }), fc.float64Array({ maxLength: 9 })), { maxKeys: 4 })
  .map((record) => ({ ...record }));
const broadcasts: fc.Arbitrary<Broadcast> = fc.record({
  round: fc.maxSafeNat(),
  vectors,
  scalars: fc.dictionary(name, fc.double(), { maxKeys: 4 }).map((record) => ({ ...record })),
});
const size = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
const metadata = { examples: fc.maxSafeNat(), steps: fc.maxSafeNat(), weight: size, loss: fc.double() };
const updates: fc.Arbitrary<Update> = fc.record({
  round: fc.maxSafeNat(),
  client: fc.maxSafeNat(),
  layoutHash: fc.string({ unit: "binary", minLength: 1 }),
  vectors,
  public: fc.oneof(fc.record(metadata), fc.record({ ...metadata, seconds: size, part: fc.nat() })),
});

const update: Update = {
  round: 3,
  client: 17,
  layoutHash: "00ff",
  vectors: { params: Float32Array.of(1, 2, 3) },
  public: { examples: 80, steps: 8, weight: 80, loss: 1.25 },
};

describe("messages", () => {
  it("carry a broadcast exactly", () => {
    fc.assert(
      fc.property(broadcasts, (broadcast) => {
        expect(decodeBroadcast(encodeBroadcast(broadcast))).toEqual(broadcast);
      }),
    );
  });

  it("carry an update exactly", () => {
    fc.assert(
      fc.property(updates, (sent) => {
        expect(decodeUpdate(encodeUpdate(sent))).toEqual(sent);
      }),
    );
  });

  it("know their size, and write the same bytes into a shared buffer", () => {
    fc.assert(
      fc.property(fc.oneof(updates, broadcasts), fc.nat(9), (message, offset) => {
        const bytes = "scalars" in message ? encodeBroadcast(message) : encodeUpdate(message);
        expect(encodedSize(message)).toBe(bytes.length);
        const shared = new Uint8Array(new SharedArrayBuffer(offset + bytes.length));
        expect(encodeInto(message, shared, offset)).toBe(bytes.length);
        expect(shared.slice(offset)).toEqual(bytes);
      }),
    );
  });

  it("are encoded around vectors that lie in place already", () => {
    fc.assert(
      fc.property(updates, (sent) => {
        const target = new Uint8Array(encodedSize(sent));
        const places = vectorOffsets({ ...sent, round: 0, client: 0, public: { ...sent.public, loss: 0 } });
        const placed = Object.entries(sent.vectors).map(([name, vector]) => {
          const make = vector instanceof Float64Array ? Float64Array : Float32Array;
          const view = new make(target.buffer, places[name]!, vector.length);
          view.set(vector);
          return [name, view] as const;
        });
        encodeInto({ ...sent, vectors: Object.fromEntries(placed) }, target);
        expect(target).toEqual(encodeUpdate(sent));
      }),
    );
  });

  it("have a size that depends on no value", () => {
    const other: Update = {
      ...update,
      round: 123456,
      client: 2 ** 40,
      public: { examples: 1, steps: 1e9, weight: 0.1, loss: Number.NaN },
    };
    expect(encodedSize(other)).toBe(encodedSize(update));
    const broadcast = { round: 1, vectors: {}, scalars: { learningRate: 0.1 } };
    expect(encodedSize({ ...broadcast, round: 1e6, scalars: { learningRate: 1 / 3 } })).toBe(encodedSize(broadcast));
  });

  it("name what they are in a file that any safetensors reader opens", () => {
    const { tensors, metadata } = decodeSafetensors(encodeUpdate(update), "t");
    expect(metadata).toEqual({
      anabranch: "update",
      version: "1",
      layout: "00ff",
      numbers: '["round","client","examples","steps","weight","loss"]',
    });
    expect([...(tensors.numbers!.data as Float64Array)]).toEqual([3, 17, 80, 8, 80, 1.25]);
    expect([...(tensors["vectors/params"]!.data as Float32Array)]).toEqual([1, 2, 3]);
  });

  it("are decoded without a copy", () => {
    const bytes = encodeUpdate(update);
    expect(decodeUpdate(bytes).vectors.params!.buffer).toBe(bytes.buffer);
  });
});

describe("malformed messages", () => {
  const valid = decodeSafetensors(encodeUpdate(update), "t");
  const changed = (tensors: object, metadata: object) =>
    encodeSafetensors({ ...valid.tensors, ...tensors }, { ...valid.metadata, ...metadata });
  const numbers = (...values: number[]) => ({ numbers: { shape: [values.length], data: Float64Array.from(values) } });

  const nested = "[".repeat(100_000) + "]".repeat(100_000);

  it.each<[string, RegExp, Uint8Array]>([
    [
      "protocol/kind",
      /received "broadcast"; expected "update"/,
      encodeBroadcast({ round: 1, vectors: {}, scalars: {} }),
    ],
    ["protocol/kind", /no message of ours/, encodeSafetensors({})],
    ["protocol/version", /received "2"; expected "1"/, changed({}, { version: "2" })],
    ["protocol/invalid", /"extra"/, changed({}, { extra: "1" })],
    ["protocol/invalid", /layoutHash/, changed({}, { layout: "" })],
    ["protocol/invalid", /list of numbers/, changed({}, { numbers: "[1]" })],
    ["protocol/invalid", /list of numbers/, changed({}, { numbers: "round" })],
    ["protocol/invalid", /list of numbers/, changed({}, { numbers: nested })],
    ["protocol/invalid", /unknown metadata/, changed({}, { ["a".repeat(2 ** 20)]: "1" })],
    ["protocol/invalid", /6 numbers, 1000000 names/, changed({}, { numbers: `[${'"a",'.repeat(999_999)}"a"]` })],
    ["protocol/invalid", /7 numbers, 6 names/, changed(numbers(1, 2, 3, 4, 5, 6, 7), {})],
    ["protocol/invalid", /named twice/, changed(numbers(1, 1), { numbers: '["round","round"]' })],
    ["protocol/invalid", /client/, changed(numbers(1), { numbers: '["round"]' })],
    ["protocol/invalid", /round/, changed(numbers(1.5, 17, 80, 8, 80, 1), {})],
    ["protocol/invalid", /client/, changed(numbers(1, -1, 80, 8, 80, 1), {})],
    ["protocol/invalid", /public.weight/, changed(numbers(1, 17, 80, 8, -80, 1), {})],
    ["protocol/invalid", /public.weight/, changed(numbers(1, 17, 80, 8, Number.NaN, 1), {})],
    ["protocol/invalid", /public.examples/, changed(numbers(1, 17, Number.POSITIVE_INFINITY, 8, 80, 1), {})],
    ["protocol/invalid", /"stray"/, changed({ stray: { shape: [1], data: new Float32Array(1) } }, {})],
    ["protocol/invalid", /__proto__/, changed({ "vectors/__proto__": { shape: [1], data: new Float32Array(1) } }, {})],
    ["protocol/invalid", /one dimension/, changed({ "vectors/m": { shape: [1, 1], data: new Float32Array(1) } }, {})],
    ["protocol/invalid", /F32 or F64/, changed({ "vectors/m": { shape: [1], data: new Int32Array(1) } }, {})],
    ["safetensors/truncated", /client 17/, encodeUpdate(update).slice(0, -1)],
  ])("%s %s", (code, text, bytes) => {
    expect(() => decodeUpdate(bytes, "client 17")).toThrow(expect.objectContaining({ code }));
    expect(() => decodeUpdate(bytes, "client 17")).toThrow(text);
    expect(() => decodeUpdate(bytes, "client 17")).toThrow(/client 17/);
  });

  it("keep to the limit of the receiver", () => {
    expect(() => decodeUpdate(encodeUpdate(update), "client 17", { maxBytes: 100 })).toThrow(
      expect.objectContaining({ code: "safetensors/size" }),
    );
  });

  it("never throw anything but an AnabranchError", () => {
    const bytes = encodeUpdate(update);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        try {
          decodeUpdate(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(AnabranchError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
