import { createHash } from "node:crypto";
import { blobStoreCases } from "@anabranch/core/conformance";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseS3Address } from "./s3-address.ts";
import { S3BlobStore } from "./s3-blob-store.ts";
import type { S3Patience } from "./s3-patience.ts";
import { type Fault, type S3Request, TestS3, testKey } from "./testing/s3-server.ts";

let s3: TestS3;
beforeEach(async () => {
  s3 = await TestS3.open();
});
afterEach(() => s3.close());

const patient: S3Patience = { silentMs: 10_000, totalMs: 20_000, bytesPerSecond: 65_536, firstWaitMs: 1 };
const hasty: S3Patience = { ...patient, totalMs: 10_100, bytesPerSecond: 1e9, firstWaitMs: 20 };
const open = (patience = patient, address = s3.address(), key: typeof testKey | object = testKey) =>
  S3BlobStore.open(parseS3Address(address), { ...testKey, ...key }, patience);

const bytes = new Uint8Array(3_000_000).map((_, i) => (i * 31) % 251);
/** The fault for the first requests of a method alone. */
const first = (times: number, method: string, fault: Fault) => {
  let left = times;
  return (request: S3Request) => (request.method === method && left-- > 0 ? fault : undefined);
};

describe("blob store in S3-compatible storage", () => {
  for (const { name, run } of blobStoreCases(async () => {
    s3.objects.clear();
    return open();
  }))
    it(name, run);

  it("keeps its objects below its folder, and sees no others", async () => {
    await (await open()).put("blobs/a", bytes);
    await (await open(patient, s3.address(""))).put("other", Uint8Array.of(1));
    expect([...s3.objects.keys()].sort()).toEqual(["other", "runs/blobs/a"]);
    expect(await (await open()).list("")).toEqual(["blobs/a"]);
  });

  it("lists more objects than come in one answer", async () => {
    s3.pageSize = 2;
    const names = ["a", "b", "c", "d", "e"];
    const store = await open();
    for (const name of names) await store.put(name, Uint8Array.of(1));
    expect(await store.list("")).toEqual(names);
  });

  it("reads the bytes of a source anew for every try", async () => {
    s3.fault = first(2, "PUT", "reset");
    let asked = 0;
    const pieces = function* () {
      asked++;
      yield bytes.subarray(0, 1_000_000);
      yield bytes.subarray(1_000_000);
    };
    const hash = createHash("sha256").update(bytes).digest("hex");
    await (await open()).putSource("a", { bytes: bytes.length, hash, pieces });
    expect(Buffer.compare(s3.objects.get("runs/a")!, bytes)).toBe(0);
    expect(asked).toBe(3);
  });

  it("stores nothing of a source whose bytes are others than announced", async () => {
    const store = await open(hasty);
    const source = {
      bytes: 3,
      hash: createHash("sha256").update("abc").digest("hex"),
      pieces: () => [Buffer.from("abd")],
    };
    await expect(store.putSource("a", source)).rejects.toMatchObject({ code: "blob/unavailable" });
    expect(s3.objects.size).toBe(0);
  });
});

describe("a failure that passes", () => {
  it.each<[string, string, Fault]>([
    ["an overload", "PUT", { status: 503, code: "SlowDown" }],
    ["an error of the storage", "GET", { status: 500, code: "InternalError" }],
    ["an error that is no XML", "DELETE", { status: 502 }],
    ["a lost answer", "PUT", "lose"],
    ["a cut answer", "GET", "cut"],
    ["a reset connection", "GET", "reset"],
  ])("%s is tried again", async (_what, method, fault) => {
    s3.fault = first(3, method, fault);
    const store = await open();
    await store.put("a", bytes);
    expect(Buffer.compare((await store.get("a"))!, bytes)).toBe(0);
    expect(await store.list("")).toEqual(["a"]);
    await store.delete("a");
    expect(s3.objects.size).toBe(0);
  });

  it("ends when the storage is there again", async () => {
    const { port } = s3;
    const store = await open();
    await s3.close();
    const putting = store.put("a", bytes);
    s3 = await TestS3.open(port);
    await putting;
    expect(s3.objects.size).toBe(1);
  });

  it.each<[string, Fault]>([
    ["blob/unavailable", { status: 500, code: "InternalError" }],
    ["blob/slow", "hang"],
    ["blob/unreachable", "reset"],
  ])("has a deadline: %s", async (code, fault) => {
    s3.fault = () => fault;
    const store = await open(fault === "hang" ? { ...hasty, silentMs: 50, totalMs: 120 } : hasty);
    await expect(store.put("a", bytes)).rejects.toMatchObject({ code });
    await expect(store.get("a")).rejects.toMatchObject({ code });
    await expect(store.list("")).rejects.toMatchObject({ code });
    await expect(store.delete("a")).rejects.toMatchObject({ code });
  });
});

describe("a failure that does not pass is not tried again, and says what to do", () => {
  const failing = async (code: string, opening: ReturnType<typeof open>) => {
    const store = await opening;
    for (const action of [() => store.put("a", bytes), () => store.get("a"), () => store.list("")]) {
      const before = s3.requests.length;
      const error = await action().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code, failure: { advice: expect.stringMatching(/\w+/) } });
      expect(JSON.stringify(error) + String(error)).not.toContain(testKey.secretAccessKey);
      expect(s3.requests.length - before).toBe(1);
    }
  };

  it.each([
    ["blob/full", 507, "XMinioStorageFull"],
    ["blob/full", 403, "QuotaExceeded"],
    ["blob/forbidden", 403, "AccessDenied"],
    ["blob/region", 301, "PermanentRedirect"],
    ["blob/refused", 400, "InvalidArgument"],
  ])("%s for %i %s", async (code, status, answer) => {
    s3.fault = () => ({ status, code: answer });
    await failing(code, open());
  });

  it("an answer without an end", async () => {
    s3.fault = () => "flood";
    await failing("blob/refused", open({ ...patient, silentMs: 2000, totalMs: 2000 }));
  });
  it("a list without an end", async () => {
    for (let i = 0; i < 1000; i++) s3.objects.set(`runs/${1000 + i}`, Buffer.of(1));
    s3.fault = () => "repeat";
    await expect((await open()).list("")).rejects.toMatchObject({ code: "blob/refused" });
    expect(s3.requests.length).toBe(2);
  });
  it("a wrong secret", () => failing("blob/login", open(patient, s3.address(), { secretAccessKey: "other" })));
  it("an unknown key", () => failing("blob/login", open(patient, s3.address(), { accessKeyId: "OTHER" })));
  it("a missing bucket", () => failing("blob/no-bucket", open(patient, s3.address().replace("bucket", "other"))));
  it("another region", () => failing("blob/region", open(patient, `${s3.address()}&region=eu-west-1`)));
  it("a wrong clock", async () => {
    s3.clockAhead = 20 * 60_000;
    await failing("blob/clock", open());
  });
});
