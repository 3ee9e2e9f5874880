import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failingFileSystem } from "../store/failing-file-system.ts";
import { folderBlobs } from "./run-blobs.ts";
import { sha256 } from "./testing/fake-live.ts";
import { asClient, type TestSite, testSite } from "./testing/test-site.ts";
import { Uploads } from "./uploads.ts";

let world: TestSite;
let folder: string;
beforeEach(async () => {
  world = await testSite();
  folder = world.run.folder.folder;
});
afterEach(() => world.remove());

async function reopen(files = world.run.folder.files): Promise<void> {
  Object.assign(world.run, { uploads: await Uploads.open(folder, files, await folderBlobs(folder, files)) });
}

const bytes = new Uint8Array(100_000).map((_, i) => (i * 7) % 251);
const hash = sha256(bytes);
const run = "/api/runs/run234";

interface Part {
  readonly order?: string;
  readonly client?: number;
  readonly offset?: number;
  readonly total?: number | string;
  readonly hash?: string;
  readonly body?: BodyInit | null;
}

async function put({ order = "1.0.0", client = 0, offset = 0, total = bytes.length, ...rest }: Part = {}) {
  const { body = bytes.slice(offset), hash: named = hash } = rest;
  const url = `${run}/orders/${order}?offset=${offset}&total=${total}&hash=${named}`;
  const init = { method: "PUT", headers: asClient(client), body, duplex: "half" };
  const response = await world.request(url, init as RequestInit);
  return { status: response.status, answer: await response.json() };
}

async function ask(named = hash) {
  const url = `${run}/orders/1.0.0?total=${bytes.length}&hash=${named}`;
  return (await world.request(url, { headers: asClient(0) })).json();
}

const blob = (name = hash) => readFile(join(folder, "blobs", name));
const partials = () => readdir(join(folder, "uploads"));

/** A body that ends with an error after some bytes, as that of a client that is gone. */
function broken(part: Uint8Array): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      if (part.length > 0) controller.enqueue(part);
      controller.error(new Error("the connection is gone"));
    },
  });
}

describe("an upload", () => {
  it("is stored under its hash and accepted, and accepted again", async () => {
    expect(await put()).toEqual({ status: 200, answer: { status: "accepted", hash } });
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
    expect(await partials()).toEqual([]);
    expect(await ask()).toEqual({ status: "accepted", hash });
    expect(await put({ offset: bytes.length })).toEqual({ status: 200, answer: { status: "accepted", hash } });
  });

  it("continues where it was cut off, also in a new process", async () => {
    expect(await put({ body: bytes.slice(0, 30_000) })).toEqual({ status: 308, answer: { offset: 30_000 } });
    expect(await put({ offset: 10_000 })).toEqual({ status: 308, answer: { offset: 30_000 } });
    await reopen();
    expect(await ask()).toEqual({ offset: 30_000 });
    expect(await put({ offset: 30_000 })).toMatchObject({ status: 200 });
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
  });

  it("keeps what a client sent that went away", async () => {
    const chunk = bytes.slice(0, 4096);
    await put({ body: broken(chunk) }).catch(() => undefined);
    const { offset } = (await ask()) as { offset: number };
    expect(await put({ offset })).toMatchObject({ status: 200 });
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
  });

  it("with other bytes than announced is refused and forgotten", async () => {
    const other = bytes.slice();
    other[500] = other[500]! ^ 1;
    expect(await put({ body: other })).toMatchObject({ status: 422, answer: { code: "upload/hash" } });
    expect(await partials()).toEqual([]);
    expect(await put()).toMatchObject({ status: 200 });
  });

  it("with more bytes than announced is refused", async () => {
    const long = new Uint8Array(bytes.length + 1);
    expect(await put({ body: long })).toMatchObject({ status: 413, answer: { code: "http/too-large" } });
    expect(await blob().catch(() => "none")).toBe("none");
  });

  it("that is announced too large is refused before its first byte", async () => {
    let read = 0;
    const body = new ReadableStream({ pull: (c) => (read++ > 5 ? c.close() : c.enqueue(bytes)) }, { highWaterMark: 0 });
    expect(await put({ total: 20_000_000, body })).toMatchObject({ answer: { code: "live/too-large" } });
    expect(read).toBe(0);
    expect(await partials()).toEqual([]);
  });

  it("for an order of another client, or one that is over, is refused", async () => {
    expect(await put({ client: 1 })).toMatchObject({ answer: { code: "live/closed" } });
    world.live.openOrders.clear();
    expect(await put()).toMatchObject({ answer: { code: "live/closed" } });
    expect(await partials()).toEqual([]);
  });

  it("needs the session of a client", async () => {
    const url = `${run}/orders/1.0.0?offset=0&total=1&hash=${hash}`;
    for (const authorization of ["", "Bearer", "Bearer nobody", "Basic session-0", `Bearer ${"x".repeat(500)}`]) {
      const response = await world.request(url, { method: "PUT", body: "x", headers: { authorization } });
      expect(response.status).toBe(401);
    }
  });

  it.each([
    { order: ".." },
    { order: "1.0" },
    { order: "1.0.0.0" },
    { order: "..%2f1" },
    { order: "-1.0.0" },
    { order: "1.0.0%00" },
    { hash: "../../x" },
    { hash: "A".repeat(64) },
    { hash: "" },
    { total: "-1" },
    { total: "1e3" },
    { total: "0" },
    { total: "99999999999999999" },
    { total: "" },
  ])("with a wrong name or number is refused (%j)", async (part) => {
    const { status } = await put(part);
    expect([400, 404]).toContain(status);
    expect(await partials()).toEqual([]);
  });

  it("replaces what the same order had begun with other bytes", async () => {
    await put({ body: bytes.slice(0, 1000) });
    await put({ hash: sha256("another"), total: 7, body: "anot" });
    expect(await partials()).toHaveLength(1);
    expect(await ask()).toEqual({ offset: 0 });
  });

  it("ends an earlier request for the same bytes, which may hang", async () => {
    const hanging = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.slice(0, 5000));
      },
    });
    const first = put({ body: hanging });
    await expect.poll(async () => (await ask()) as object).toEqual({ offset: 5000 });
    expect(await put({ offset: 5000 })).toMatchObject({ status: 200 });
    expect(await first).toEqual({ status: 308, answer: { offset: 5000 } });
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
  });

  it("of many requests at once is stored whole", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => put()));
    const last = answers.some(({ status }) => status === 200)
      ? undefined
      : await put({ offset: Number(await offset()) });
    expect(last?.status ?? 200).toBe(200);
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
  });

  it("of many different bytes at once for one order leaves one update, and no failure", async () => {
    const bodies = Array.from({ length: 60 }, (_, i) => new Uint8Array(50_000).fill(i));
    const send = (body: Uint8Array) => put({ body: body.slice(), total: body.length, hash: sha256(body) });
    const answers = await Promise.all(bodies.map(send));
    expect(answers.filter(({ status }) => ![200, 308].includes(status))).toEqual([]);
    await Promise.all(bodies.map(send));
    const accepted = world.live.accepted.get("1/0/0");
    expect(await readdir(join(folder, "blobs"))).toEqual([accepted]);
    expect(await partials()).toEqual([]);
  });

  it("that the run refuses is not kept", async () => {
    world.live.uploaded = async () => ({ status: "refused", code: "live/examples", message: "no" });
    expect(await put()).toMatchObject({ status: 200, answer: { code: "live/examples" } });
    expect([await partials(), await readdir(join(folder, "blobs"))]).toEqual([[], []]);
  });

  it("that the run could not note is judged again without being sent again", async () => {
    const { uploaded } = world.live;
    world.live.uploaded = async () => {
      throw new Error("the ledger is busy");
    };
    expect(await put()).toMatchObject({ status: 500 });
    expect(await ask()).toEqual({ offset: bytes.length });
    world.live.uploaded = uploaded;
    expect(await put({ offset: bytes.length })).toEqual({ status: 200, answer: { status: "accepted", hash } });
  });

  it("is not disturbed by a look at another upload of its order", async () => {
    const hanging = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.slice(0, 5000));
      },
    });
    const first = put({ body: hanging });
    await expect.poll(async () => (await ask()) as object).toEqual({ offset: 5000 });
    expect(await ask(sha256("another"))).toEqual({ offset: 0 });
    expect(await partials()).toHaveLength(1);
    expect(await put({ offset: 5000 })).toMatchObject({ status: 200 });
    await first;
  });

  const offset = async () => ((await ask()) as { offset: number }).offset;

  it("on a full disk answers 507, keeps what it has and continues later", async () => {
    const { files } = world.run.folder;
    let room = 40_000;
    const full = {
      ...files,
      append: async (path: string) => {
        const file = await files.append(path);
        return {
          ...{ truncate: (n: number) => file.truncate(n), datasync: () => file.datasync(), stat: () => file.stat() },
          ...{ read: file.read.bind(file), close: () => file.close() },
          appendFile: async (data: Uint8Array) => {
            if (data.length <= room) {
              room -= data.length;
              return file.appendFile(data);
            }
            await file.appendFile(data.subarray(0, 10)); // half of it is written
            throw Object.assign(new Error("full"), { code: "ENOSPC" });
          },
        };
      },
    };
    await reopen(full);
    await put({ body: bytes.slice(0, 30_000) });
    expect(await put({ offset: 30_000 })).toMatchObject({ status: 507, answer: { code: "store/disk-full" } });
    expect(await ask()).toEqual({ offset: 30_000 });
    room = Number.POSITIVE_INFINITY;
    expect(await put({ offset: 30_000 })).toMatchObject({ status: 200 });
    expect(Buffer.compare(await blob(), bytes)).toBe(0);
  });

  it("follows no link", async () => {
    const victim = join(folder, "victim");
    await writeFile(victim, "keep");
    await symlink(victim, join(folder, "uploads", `1.0.0-${hash}.part`));
    const { status } = await put();
    expect(status).toBe(500);
    expect(await readFile(victim, "utf8")).toBe("keep");
  });

  it("that nobody continues is removed", async () => {
    await put({ body: bytes.slice(0, 10) });
    await writeFile(join(folder, "uploads", "rubbish"), "x");
    await world.run.uploads.sweep((order) => order === "1/0/0");
    expect(await partials()).toHaveLength(1);
    await world.run.uploads.sweep(() => false);
    expect(await partials()).toEqual([]);
  });

  it("to a disk that fails is not accepted", async () => {
    await reopen(failingFileSystem("rename", "EIO"));
    expect(await put()).toMatchObject({ status: 500, answer: { code: "internal" } });
    expect(world.live.accepted.size).toBe(0);
  });
});

describe("a blob", () => {
  beforeEach(async () => {
    await writeFile(join(folder, "blobs", hash), bytes);
    world.live.published.add(hash);
  });
  const fetchBlob = (headers: Record<string, string> = {}, method = "GET", name = hash) =>
    world.request(`${run}/blobs/${name}`, { method, headers: { ...asClient(0), ...headers } });
  const received = async (response: Response) => Buffer.from(await response.arrayBuffer());

  it("comes whole, with its hash as tag, for ever", async () => {
    const response = await fetchBlob();
    expect(response.status).toBe(200);
    expect(response.headers.get("etag")).toBe(`"${hash}"`);
    expect(response.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(response.headers.get("content-length")).toBe(String(bytes.length));
    expect(Buffer.compare(await received(response), bytes)).toBe(0);
  });

  it("is not sent again to one who has it", async () => {
    const response = await fetchBlob({ "if-none-match": `"${hash}"` });
    expect([response.status, (await received(response)).length]).toEqual([304, 0]);
  });

  it.each([
    ["bytes=10-19", 10, 19],
    ["bytes=99000-", 99_000, 99_999],
    ["bytes=-100", 99_900, 99_999],
    ["bytes=0-999999", 0, 99_999],
    ["bytes=-999999", 0, 99_999],
  ])("comes in the range %s", async (range, first, last) => {
    const response = await fetchBlob({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${first}-${last}/${bytes.length}`);
    expect(Buffer.compare(await received(response), bytes.subarray(first, last + 1))).toBe(0);
  });

  it.each([
    "bytes=1-2,4-5",
    "lines=1-2",
    "bytes=-",
    "bytes=5-1",
    "bytes=x-1",
    "bytes=1-99999999999999999999",
  ])("comes whole where the range is %s", async (range) => {
    const response = await fetchBlob({ range });
    expect(response.status).toBe(200);
    expect((await received(response)).length).toBe(bytes.length);
  });

  it("comes whole where the range is of other bytes", async () => {
    expect((await fetchBlob({ range: "bytes=1-2", "if-range": '"other"' })).status).toBe(200);
    expect((await fetchBlob({ range: "bytes=1-2", "if-range": `"${hash}"` })).status).toBe(206);
  });

  it.each(["bytes=100000-", "bytes=-0", "bytes=200000-200001"])("has no range %s", async (range) => {
    const response = await fetchBlob({ range });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
  });

  it("has a size without a body", async () => {
    const response = await fetchBlob({}, "HEAD");
    expect([response.status, response.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
  });

  it.each([
    sha256("not published"),
    "..",
    "..%2fconfig.toml",
    "x",
    `${hash}%00`,
  ])("%s is not to be had", async (name) => {
    expect((await fetchBlob({}, "GET", name)).status).toBe(404);
  });

  it("is for clients alone, and only while it is published", async () => {
    expect((await world.request(`${run}/blobs/${hash}`)).status).toBe(401);
    const operator = { authorization: `Bearer ${world.token}` };
    expect((await world.request(`${run}/blobs/${hash}`, { headers: operator })).status).toBe(401);
    world.live.published.clear();
    expect((await fetchBlob()).status).toBe(404);
  });
});
