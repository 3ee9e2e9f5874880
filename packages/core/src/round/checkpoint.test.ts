import { AnabranchError } from "@anabranch/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSealed } from "../protocol/index.ts";
import { memoryBlobStore } from "./blob-store.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { checkpointName, newestCheckpoint, requireResumable, saveCheckpointFile } from "./checkpoint-store.ts";

const checkpoint: Checkpoint = {
  version: 1,
  packageVersion: "0.1.0",
  configHash: "c0ffee",
  dataHash: "da7a",
  executor: "interpreter 1 f00d",
  round: 7,
  algorithm: "scaffold",
  layoutHash: "abcd",
  serverState: {
    vectors: { parameters: Float32Array.of(1, -0, 3), variate: Float64Array.of(0.1) },
    scalars: { t: 7, tiny: 5e-324, infinite: Number.NEGATIVE_INFINITY, none: Number.NaN },
  },
  clientStates: {
    kind: "inline",
    states: [
      { client: 0, vectors: {} },
      { client: 12, vectors: { variate: Float32Array.of(4), "a/b": Float64Array.of(5) } },
    ],
  },
  totals: {
    bytesDown: 2 ** 40 + 1,
    bytesUp: 3,
    seconds: 0.1,
    best: { round: 5, score: 0.7, stale: 2 },
    last: { loss: null, accuracy: 0.6 },
    trouble: { kind: "clients", rounds: 2, reason: "diverged", message: "Rounds 6 to 7: all clients failed." },
  },
  work: {
    time: 2_500_000,
    schedule: { outstanding: [3], arrived: [] },
    outstanding: [{ client: 4, version: 6, visit: 1, arrives: 2_600_000 }],
  },
  generator: { seed: 2 ** 52 + 1 },
};

describe("encodeCheckpoint", () => {
  it("keeps everything exactly", () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint), "t")).toEqual(checkpoint);
  });

  it("keeps versions, no evaluation and a best of minus infinity", () => {
    const { last: _, ...totals } = checkpoint.totals;
    const { work: __, ...rest } = checkpoint;
    const other: Checkpoint = {
      ...rest,
      clientStates: { kind: "versions", versions: [3, 70_000].map((client) => ({ client, round: 6 })) },
      totals: { ...totals, best: { round: 0, score: Number.NEGATIVE_INFINITY, stale: 0 } },
    };
    expect(decodeCheckpoint(encodeCheckpoint(other), "t")).toEqual(other);
  });

  it("gives the same bytes for the same state", () => {
    const { scalars, vectors } = checkpoint.serverState;
    const reversed = <T>(record: Readonly<Record<string, T>>) => Object.fromEntries(Object.entries(record).reverse());
    const again = { ...checkpoint, serverState: { scalars: reversed(scalars), vectors: reversed(vectors) } };
    expect(encodeCheckpoint(again)).toEqual(encodeCheckpoint(checkpoint));
  });

  it("is a safetensors file that other readers open", () => {
    const { tensors, metadata } = decodeSafetensors(encodeCheckpoint(checkpoint), "t");
    expect([...(tensors["server/parameters"]!.data as Float32Array)]).toEqual([1, -0, 3]);
    expect(metadata).toMatchObject({ anabranch: "checkpoint", version: "1" });
  });
});

describe("decodeCheckpoint", () => {
  const bytes = encodeCheckpoint(checkpoint);

  it("notices every changed byte", () => {
    for (let at = 0; at < bytes.length; at++) {
      const damagedBytes = bytes.slice();
      damagedBytes[at]! ^= 1 << (at % 8);
      let code = "none";
      try {
        decodeCheckpoint(damagedBytes, "t");
      } catch (error) {
        code = error instanceof AnabranchError ? error.code : String(error);
      }
      expect(code, `byte ${at}`).toMatch(/^checkpoint\/(truncated|corrupt|version)$/);
    }
  });

  it("notices every cut", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeCheckpoint(bytes.subarray(0, length), "t")).toThrow(
        expect.objectContaining({ code: "checkpoint/truncated" }),
      );
    }
  });

  it("does not notice a file that was changed and sealed anew: the seal is against damage, not tampering", () => {
    const forged = { ...checkpoint, totals: { ...checkpoint.totals, best: { round: 7, score: 1, stale: 0 } } };
    expect(decodeCheckpoint(encodeCheckpoint(forged), "t").totals.best.score).toBe(1);
  });

  it("notices random damage of several bytes", () => {
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1 });
    fc.assert(
      fc.property(edits, (changes) => {
        const damagedBytes = bytes.slice();
        for (const [at, flip] of changes) damagedBytes[at]! ^= flip;
        fc.pre(damagedBytes.some((byte, i) => byte !== bytes[i]));
        expect(() => decodeCheckpoint(damagedBytes, "t")).toThrow(AnabranchError);
      }),
      { numRuns: 300 },
    );
  });

  it("says what another version or another file is", () => {
    const later = encodeSealed({ kind: "checkpoint", version: "2" }, {}, { body: "{}" });
    expect(() => decodeCheckpoint(later, "run 1")).toThrow(expect.objectContaining({ code: "checkpoint/version" }));
    expect(() => decodeCheckpoint(later, "run 1")).toThrow(/run 1.*received version 2; expected version 1/);
    const other = encodeSealed({ kind: "client-state", version: "1" }, {}, {});
    expect(() => decodeCheckpoint(other, "run 1")).toThrow(/something else/);
    const empty = encodeSealed({ kind: "checkpoint", version: "1" }, {}, { body: "{}" });
    expect(() => decodeCheckpoint(empty, "run 1")).toThrow(expect.objectContaining({ code: "checkpoint/corrupt" }));
  });
});

describe("requireResumable", () => {
  it.each([
    ["checkpoint/version", { packageVersion: "0.2.0" }],
    ["checkpoint/algorithm", { algorithm: "fedavg" }],
    ["checkpoint/layout", { layoutHash: "0" }],
    ["checkpoint/config", { configHash: "0" }],
    ["checkpoint/data", { dataHash: "0" }],
  ])("%s", (code, other) => {
    expect(() => requireResumable(checkpoint, checkpoint, "t")).not.toThrow();
    expect(() => requireResumable(checkpoint, { ...checkpoint, ...other }, "t")).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe("checkpoint files", () => {
  const of = (round: number): Checkpoint => ({ ...checkpoint, round });

  it("keeps the newest and tells which is the oldest left", async () => {
    const blobs = memoryBlobStore();
    const saved = [];
    for (const round of [1, 2, 3, 10]) saved.push(await saveCheckpointFile(blobs, of(round), 2));
    expect(saved.map(({ oldestKept }) => oldestKept)).toEqual([1, 1, 2, 3]);
    expect(await blobs.list("")).toEqual([checkpointName(3), checkpointName(10)]);
    expect(saved[3]!.bytes).toBe((await blobs.get(checkpointName(10)))!.length);
    expect(await newestCheckpoint(blobs)).toEqual({ checkpoint: of(10), name: checkpointName(10), skipped: [] });
  });

  it("falls back past a damaged file, and never prunes what it fell back to", async () => {
    const blobs = memoryBlobStore();
    for (const round of [1, 2, 3]) await saveCheckpointFile(blobs, of(round), 2);
    await blobs.put(checkpointName(3), (await blobs.get(checkpointName(3)))!.subarray(0, 100));
    const found = await newestCheckpoint(blobs);
    expect(found!.checkpoint.round).toBe(2);
    expect(found!.skipped.map(({ code }) => code)).toEqual(["checkpoint/truncated"]);
    await saveCheckpointFile(blobs, of(2), 1);
    expect(await blobs.list("")).toEqual([checkpointName(2), checkpointName(3)]);
  });

  it("has nothing in an empty store, and an error where all are damaged", async () => {
    const blobs = memoryBlobStore();
    expect(await newestCheckpoint(blobs)).toBeUndefined();
    await blobs.put(checkpointName(1), Uint8Array.of(1));
    await expect(newestCheckpoint(blobs)).rejects.toMatchObject({
      code: "checkpoint/truncated",
      failure: { advice: expect.stringMatching(/^It is the run's only checkpoint: put one back from a copy/) },
    });
    await blobs.put(checkpointName(2), Uint8Array.of(2));
    await expect(newestCheckpoint(blobs)).rejects.toThrow(/None of the run's 2 checkpoints can be read/);
  });

  it("does not skip a file of another version", async () => {
    const blobs = memoryBlobStore();
    await saveCheckpointFile(blobs, of(1), 2);
    await blobs.put(checkpointName(2), encodeSealed({ kind: "checkpoint", version: "2" }, {}, {}));
    await expect(newestCheckpoint(blobs)).rejects.toMatchObject({ code: "checkpoint/version" });
  });
});
