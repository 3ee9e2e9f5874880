import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobName, MemoryLedgers } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { parseS3Address } from "../store/s3/s3-address.ts";
import { S3BlobStore } from "../store/s3/s3-blob-store.ts";
import type { S3Patience } from "../store/s3/s3-patience.ts";
import { TestS3, testKey } from "../store/s3/testing/s3-server.ts";
import { openBlobPlace } from "./blob-place.ts";
import { BlobReads } from "./blob-reads.ts";
import { type RunBlobs, removeBlobs, removeUnnamed } from "./run-blobs.ts";
import { remoteBlobs } from "./s3-run-blobs.ts";
import { sha256 } from "./testing/fake-live.ts";
import { asClient, type TestSite, testSite } from "./testing/test-site.ts";
import { Uploads } from "./uploads.ts";

const hasty: S3Patience = { silentMs: 10_000, totalMs: 10_100, bytesPerSecond: 1e9, firstWaitMs: 10 };
const bytes = new Uint8Array(1_000_000).map((_, i) => (i * 7) % 251);
const hash = sha256(bytes);

let s3: TestS3;
let left: unknown[];
beforeEach(async () => {
  s3 = await TestS3.open();
  left = [];
});
afterEach(() => s3.close());

async function blobsFor({ files }: RunFolder): Promise<RunBlobs> {
  const store = await S3BlobStore.open(parseS3Address(s3.address("runs/abc")), testKey, hasty);
  return remoteBlobs(store, files, (error) => left.push(error));
}

describe("a server whose blobs are in S3-compatible storage", () => {
  let world: TestSite;
  let blobs: RunBlobs;
  beforeEach(async () => {
    world = await testSite();
    const { folder } = world.run;
    blobs = await blobsFor(folder);
    const uploads = await Uploads.open(folder.folder, folder.files, blobs);
    Object.assign(world.run, { uploads, blobs: new BlobReads(blobs, 60_000) });
  });
  afterEach(() => world.remove());

  const partials = () => readdir(join(world.run.folder.folder, "uploads"));
  async function put(offset = 0) {
    const url = `/api/runs/run234/orders/1.0.0?offset=${offset}&total=${bytes.length}&hash=${hash}`;
    const init = { method: "PUT", headers: asClient(0), body: bytes.slice(offset) };
    return (await world.request(url, init)).status;
  }
  const get = (range?: string) =>
    world.request(`/api/runs/run234/blobs/${hash}`, {
      headers: { ...asClient(0), ...(range === undefined ? {} : { range }) },
    });

  it("accepts an update once it is in the storage", async () => {
    const seen: boolean[] = [];
    const { uploaded } = world.live;
    world.live.uploaded = async (client, order, update) => {
      const keep = async () => {
        await update.keep();
        seen.push(s3.objects.has(`runs/abc/blobs/${hash}`));
      };
      return uploaded.call(world.live, client, order, { ...update, keep });
    };
    expect(await put()).toBe(200);
    expect(seen).toEqual([true]);
    expect(Buffer.compare(s3.objects.get(`runs/abc/blobs/${hash}`)!, bytes)).toBe(0);
    expect(await partials()).toEqual([]);
    expect(await readdir(join(world.run.folder.folder, "blobs"))).toEqual([]);
  });

  it("does not accept what the storage does not take, and has it when the storage is well again", async () => {
    s3.fault = () => ({ status: 507, code: "XMinioStorageFull" });
    expect(await put()).toBe(500);
    expect([world.live.accepted.size, s3.objects.size, (await partials()).length]).toEqual([0, 0, 1]);
    s3.fault = () => undefined;
    expect(await put(bytes.length)).toBe(200);
    expect([s3.objects.size, await partials()]).toEqual([1, []]);
  });

  it("serves ranges of a blob that it reads once", async () => {
    await blobs.put(blobName(hash), bytes);
    world.live.published.add(hash);
    const before = s3.requests.length;
    for (const first of [0, 10, 999_000]) {
      const response = await get(`bytes=${first}-${first + 9}`);
      expect(response.status).toBe(206);
      expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([...bytes.subarray(first, first + 10)]);
    }
    expect(s3.requests.length - before).toBe(1);
  });

  it("sends nothing that is not what was stored", async () => {
    await blobs.put(blobName(hash), bytes);
    world.live.published.add(hash);
    let reads = 0;
    s3.fault = ({ method }) => (method === "GET" && ++reads === 1 ? "damage" : undefined);
    expect((await get()).status).toBe(200);
    expect(reads).toBe(2);
    s3.fault = () => "damage";
    await expect(blobs.get(blobName(hash))).rejects.toMatchObject({ code: "blob/damaged" });
  });

  it("continues where a blob cannot be removed, and reports it", async () => {
    await blobs.put(blobName(hash), bytes);
    s3.fault = ({ method }) => (method === "DELETE" ? { status: 403, code: "AccessDenied" } : undefined);
    await blobs.delete(blobName(hash));
    expect(left).toMatchObject([{ code: "blob/forbidden" }]);
  });

  it("removes what no order names, and in the end everything", async () => {
    const ledger = await new MemoryLedgers().open("run");
    await ledger.giveOrder({ id: "1/0/0", client: 0, version: 1, broadcast: "b" });
    await ledger.acceptUpdate("1/0/0", hash);
    await blobs.put(blobName(hash), bytes);
    await blobs.put(blobName("0".repeat(64)), bytes);
    s3.objects.set("runs/other/blobs/1", Buffer.from("of another run"));
    await removeUnnamed(blobs, ledger);
    expect(await blobs.list("")).toEqual([blobName(hash)]);
    await removeBlobs(blobs);
    expect([...s3.objects.keys()]).toEqual(["runs/other/blobs/1"]);
  });
});

describe("the place of blobs", () => {
  let folder: RunFolder;
  beforeEach(async () => {
    const base = await mkdtemp(join(tmpdir(), "anabranch-place-"));
    await writeFile(join(base, "config.toml"), "");
    folder = await openRunFolder(base);
    vi.stubEnv("AWS_ACCESS_KEY_ID", testKey.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", testKey.secretAccessKey);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder.folder, { recursive: true, force: true });
  });
  const place = (address?: string) => openBlobPlace(address, () => {});

  it("is tried, noted without the key, and stays the same", async () => {
    await (await place(s3.address("a"))).open(folder);
    expect(s3.objects.size).toBe(0);
    const note = await readFile(join(folder.folder, "blobs.json"), "utf8");
    expect(JSON.parse(note)).toEqual({ blobs: `s3://bucket/a/?endpoint=http://127.0.0.1:${s3.port}&region=us-east-1` });
    await (await place(s3.address("a/"))).open(folder);
    await expect((await place(s3.address("b"))).open(folder)).rejects.toMatchObject({ code: "blob/other-place" });
    await expect((await place()).open(folder)).rejects.toMatchObject({
      failure: { code: "blob/other-place", advice: expect.stringContaining(`--blobs "s3://bucket/a/?`) },
    });
    await writeFile(join(folder.folder, "blobs.json"), "{");
    await expect((await place()).open(folder)).rejects.toMatchObject({ code: "blob/other-place" });
  });

  it("stays the folder of a run that began with it", async () => {
    await (await place()).open(folder);
    await expect((await place(s3.address())).open(folder)).rejects.toMatchObject({ code: "blob/other-place" });
    await mkdir(join(folder.folder, "blobs"), { recursive: true });
    await (await place()).open(folder);
  });

  it("is refused at once where it cannot be used", async () => {
    await expect(place("s3://other")).rejects.toMatchObject({ code: "blob/address" });
    await expect(place(s3.address().replace("bucket", "other"))).rejects.toMatchObject({ code: "blob/no-bucket" });
    s3.fault = ({ method }) => (method === "DELETE" ? { status: 403, code: "AccessDenied" } : undefined);
    await expect(place(s3.address())).rejects.toMatchObject({ code: "blob/forbidden" });
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    await expect(place(s3.address())).rejects.toMatchObject({ code: "blob/login" });
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
    await expect(place(s3.address())).rejects.toMatchObject({ code: "blob/credentials" });
  });

  it("warns of plain HTTP to other machines alone", async () => {
    expect((await place(s3.address())).warnings).toEqual([]);
  });
});
