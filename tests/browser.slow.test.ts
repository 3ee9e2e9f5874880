import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onnxruntimeNode } from "@anabranch/engine";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TaskName, taskNames, trainClient, trainOnWebAssembly } from "./fixtures/browser-client.ts";
import { findChromium, launchChromium } from "./fixtures/chromium.ts";

/** Training programs in a real browser: client tasks, compared with the same tasks in Node. */
const wasm = join(import.meta.dirname, "..", "node_modules", "onnxruntime-web", "dist");
const DEADLINE = 60_000; // milliseconds
const executablePath = findChromium("6 tests");

type Trained = Awaited<ReturnType<typeof trainClient>>;

describe.skipIf(executablePath === undefined)("a client task in Chromium", () => {
  let server: Server;
  let browser: Browser;
  const results = new Map<TaskName, Trained>();

  beforeAll(async () => {
    server = serve(await bundle());
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    browser = await launchChromium(executablePath!, DEADLINE);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { timeout: DEADLINE });
    for (const name of taskNames) {
      const call = `import("/client.js").then((client) => client.trainOnWebAssembly(${JSON.stringify(name)}))`;
      results.set(name, await page.evaluate(call));
    }
  }, 3 * DEADLINE);

  afterAll(async () => {
    server?.close();
    await browser?.close();
    server?.closeAllConnections();
  }, DEADLINE);

  it.each(taskNames)("trains: %s", (name) => {
    const trained = results.get(name)!;
    expect(trained.segmented).toBe(name === "SOAP, with host kernels");
    expect(trained.losses).toHaveLength(6);
    for (const loss of trained.losses) expect(loss).toBeGreaterThan(0);
    expect(largest(trained.update)).toBeGreaterThan(1e-3);
  });

  it.each(taskNames)("gives the bits that WebAssembly gives in Node: %s", { timeout: DEADLINE }, async (name) => {
    expect(results.get(name)).toEqual(await trainOnWebAssembly(name));
  });

  it.each(taskNames)("gives what native execution gives, but for rounding: %s", { timeout: DEADLINE }, async (name) => {
    const trained = results.get(name)!;
    const native = await trainClient(await onnxruntimeNode(), name);
    expect(trained).toMatchObject({ program: native.program, initial: native.initial });
    const end = ({ initial, update }: Trained) => initial.map((start, i) => start + update[i]!);
    const expected = end(native);
    const differences = end(trained).map((value, i) => value - expected[i]!);
    expect(largest(differences)).toBeLessThanOrEqual(1e-6 * largest(expected));
  });
});

/** The client's scripts by file name. */
async function bundle(): Promise<Map<string, string>> {
  const complaints: string[] = [];
  const build = await rolldown({
    input: { client: join(import.meta.dirname, "fixtures", "browser-client.ts") },
    platform: "browser",
    onLog: (_level, log) => void complaints.push(log.message),
  });
  const { output } = await build.generate({ format: "esm" });
  await build.close();
  expect(complaints).toEqual([]);
  return new Map(output.flatMap((part) => (part.type === "chunk" ? [[part.fileName, part.code]] : [])));
}

/** An empty page, the scripts and, beside them, where they look for it, ONNX Runtime's WebAssembly. */
function serve(scripts: ReadonlyMap<string, string>): Server {
  return createServer(({ url = "/" }, response) => {
    const send = (type: string, body: string | Uint8Array) => response.setHeader("content-type", type).end(body);
    const name = url.slice(1);
    const script = scripts.get(name);
    if (name === "") send("text/html", "<!doctype html><title>A client</title>");
    else if (script !== undefined) send("text/javascript", script);
    else if (/^[\w.-]+\.wasm$/.test(name)) send("application/wasm", readFileSync(join(wasm, name)));
    else response.writeHead(404).end();
  });
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
