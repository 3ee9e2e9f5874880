import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DownloadFile, downloadFile } from "./download.ts";
import { loadDataset } from "./load-dataset.ts";

let folder: string;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-download-"));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Answers on this machine only; gives the address. */
async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server?.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

async function failure(file: DownloadFile, options = {}): Promise<unknown> {
  const error: unknown = await downloadFile(file, join(folder, "file"), options).catch((reason: unknown) => reason);
  expect(await readdir(folder)).toEqual([]);
  return error;
}

describe("download", () => {
  it("fetches a file once and tells how far it is", async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    });
    const path = join(folder, "new", "file");
    const file = { url, sha256: sha256(bytes) };
    const seen: number[] = [];
    const onProgress = (progress: { receivedBytes: number; totalBytes: number | undefined }) => {
      seen.push(progress.receivedBytes);
      expect(progress.totalBytes).toBe(bytes.length);
    };
    expect(await downloadFile(file, path, { onProgress })).toBe(true);
    expect(await readFile(path)).toEqual(bytes);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(await downloadFile(file, path)).toBe(false);
    expect(requests).toBe(1);
    await writeFile(path, "damaged");
    expect(await downloadFile(file, path)).toBe(true);
    expect(await readFile(path)).toEqual(bytes);
  });

  it("refuses another file than the published one", async () => {
    const url = await serve((_, response) => response.end(bytes));
    const error = await failure({ url, sha256: sha256(Buffer.from("other")) });
    expect(error).toMatchObject({ code: "data/checksum" });
    expect(String(error)).toContain(sha256(bytes));
  });

  it("compares what a gzip file unpacks to", async () => {
    const packed = gzipSync(bytes);
    const url = await serve((_, response) => response.end(packed));
    const path = join(folder, "file.gz");
    await downloadFile({ url, sha256: sha256(bytes), hashOf: "contents" }, path);
    expect(await readFile(path)).toEqual(packed);
    await rm(path);
    server?.close();
    const other = await serve((_, response) => response.end("no gzip"));
    const error = await failure({ url: other, sha256: sha256(bytes), hashOf: "contents" });
    expect(error).toMatchObject({ code: "data/checksum" });
  });

  it("notices a connection that breaks off", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 1000), () => response.destroy());
    });
    expect(await failure({ url, sha256: sha256(bytes) })).toMatchObject({ code: "data/download" });
  });

  it("notices a server that falls silent, refuses or is not there", async () => {
    const silent = await serve((_, response) => response.writeHead(200).write("x"));
    const error = await failure({ url: silent, sha256: sha256(bytes) }, { idleTimeoutMs: 50 });
    expect(String(error)).toContain("no answer for too long");
    server?.closeAllConnections();
    server?.close();
    const url = await serve((_, response) => response.writeHead(404).end());
    expect(String(await failure({ url, sha256: sha256(bytes) }))).toContain("status 404");
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    expect(await failure({ url, sha256: sha256(bytes) })).toMatchObject({ code: "data/download" });
  });

  it("refuses more bytes than the published file can have, announced or not", async () => {
    let sent = 0;
    const url = await serve((request, response) => {
      if (request.url === "/announced") response.writeHead(200, { "content-length": 5e9 }).write("x");
      else {
        // Without end, as fast as they are taken.
        const more = () => {
          while (!response.destroyed && response.write(bytes)) sent += bytes.length;
        };
        response.on("drain", more);
        more();
      }
    });
    const limited = { sha256: sha256(bytes), maxBytes: 1e6 };
    expect(String(await failure({ ...limited, url: `${url}/announced` }))).toMatch(/5,000,000,000 bytes announced/);
    const error = await failure({ ...limited, url: `${url}/silent` });
    expect(error).toMatchObject({ code: "data/too-large" });
    expect(sent).toBeLessThan(1e8);
  });

  it("ends at its deadline, however steadily bytes arrive", async () => {
    const url = await serve((_, response) => {
      const timer = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(timer));
    });
    const error = await failure({ url, sha256: sha256(bytes) }, { timeoutMs: 200 });
    expect(error).toMatchObject({ code: "data/download" });
    expect(String(error)).toMatch(/not done within 0.2 s/);
  });

  it("ends when it is called off", async () => {
    const url = await serve((_, response) => response.writeHead(200).write("x"));
    const signal = AbortSignal.timeout(50);
    expect(await failure({ url, sha256: sha256(bytes) }, { signal })).toMatchObject({ code: "data/download" });
  });

  it("fills the cache that a data set is then read from", async () => {
    const files = {
      "train-images-idx3-ubyte": Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 42]),
      "train-labels-idx1-ubyte": Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 3]),
      "t10k-images-idx3-ubyte": Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 43]),
      "t10k-labels-idx1-ubyte": Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 4]),
    };
    const url = await serve((request, response) => {
      response.end(files[request.url?.slice(1) as keyof typeof files]);
    });
    const entries = Object.entries(files).map(([name, file]) => [
      name,
      { url: `${url}/${name}`, sha256: sha256(file) },
    ]);
    const options = { environment: {}, cacheDir: folder };
    await expect(loadDataset("mnist", options)).rejects.toMatchObject({ code: "data/not-found" });
    const { train } = await loadDataset("mnist", { ...options, download: { source: Object.fromEntries(entries) } });
    expect([...train.features.data]).toEqual([42]);
    server?.close();
    expect((await loadDataset("mnist", options)).test.labels.data[0]).toBe(4);
  });
});
