import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requireShipped } from "./demo-data.ts";
import { PageFiles } from "./page-files.ts";
import { type TestSite, testSite } from "./testing/test-site.ts";

let folder: string;
let world: TestSite;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-pages-"));
  await mkdir(join(folder, "join"));
  await mkdir(join(folder, "run"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "the runs");
  await writeFile(join(folder, "run", "index.html"), "the run");
  await writeFile(join(folder, "join", "index.html"), "a client");
  await writeFile(join(folder, "assets", "ort-1a2b.wasm"), "wasm");
  await writeFile(join(folder, "assets", "notes.txt"), "not a page's");
  world = await testSite({ pages: new PageFiles(folder) });
});
afterEach(async () => {
  await world.remove();
  await rm(folder, { recursive: true, force: true });
});

describe("pages", () => {
  it("are served with their types, and are looked at anew each time", async () => {
    for (const [path, text] of [
      ["/", "the runs"],
      ["/runs/run234", "the run"],
      ["/join/run234", "a client"],
    ] as const) {
      const response = await world.request(path);
      expect(await response.text()).toBe(text);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("cache-control")).toBe("no-cache");
    }
  });

  it("have files that never change, compressed where that is wanted", async () => {
    const response = await world.request("/assets/ort-1a2b.wasm", { headers: { "accept-encoding": "br, gzip" } });
    expect(response.headers.get("content-type")).toBe("application/wasm");
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await response.bytes()).toString()).toBe("wasm");
    // a worker runs under the policy that came with its script
    expect(response.headers.get("content-security-policy")).toContain("wasm-unsafe-eval");
  });

  it.each([
    "/assets/notes.txt",
    "/assets/none.js",
    "/assets/..%2Findex.html",
    "/assets/%2e%2e%2fjoin%2findex.html",
    "/assets/",
  ])("have no file %s", async (path) => {
    expect((await world.request(path)).status).toBe(404);
  });

  it("that were not built say how to build them", async () => {
    await world.remove();
    world = await testSite();
    expect(await (await world.request("/")).text()).toContain("npm run build -w packages/dashboard");
  });
});

describe("demo data", () => {
  const path = "/api/runs/run234/demo-data";

  it("is given out where the operator wants it, and is only its own files", async () => {
    await world.remove();
    world = await testSite({}, { demoData: "tiny-shakespeare" });
    const answer = await (await world.request(path)).json();
    expect(answer).toEqual({ dataset: "tiny-shakespeare", files: ["tiny-shakespeare.txt.gz"] });
    expect((await (await world.request(`${path}/tiny-shakespeare.txt.gz`)).bytes()).length).toBeGreaterThan(100_000);
    expect((await world.request(`${path}/fashion-mnist-10k-labels-idx1-ubyte.gz`)).status).toBe(404);
    expect((await world.request(`${path}/..%2Fshipped.ts`)).status).toBe(404);
  });

  it("is the images where questions are asked about them", async () => {
    await world.remove();
    world = await testSite({}, { demoData: "image-questions" });
    const files = ["images", "labels"].map(
      (part) => `fashion-mnist-10k-${part}-${part === "images" ? "idx3" : "idx1"}-ubyte.gz`,
    );
    expect(await (await world.request(path)).json()).toEqual({ dataset: "image-questions", files });
    expect((await world.request(`${path}/${files[1]}`)).status).toBe(200);
  });

  it("is not there otherwise", async () => {
    expect((await world.request(path)).status).toBe(404);
    expect((await world.request(`${path}/tiny-shakespeare.txt.gz`)).status).toBe(404);
  });

  it("is never somebody's own", () => {
    expect(() => requireShipped("csv:patients.csv?label=sick")).toThrow("only data that is shipped");
  });
});
