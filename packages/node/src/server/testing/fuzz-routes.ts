import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import * as fc from "fast-check";
import { expect } from "vitest";
import { HandClient } from "./hand-client.ts";
import type { Served } from "./served.ts";
import { testSite } from "./test-site.ts";

/** How many cases of each kind. */
export interface FuzzCases {
  readonly requests: number;
  readonly connections: number;
}

const hash = "6".repeat(64);
const odd = fc.constantFrom("%2e%2e", "%00", "%ff", "..", "", "é", "%", "%zz", "a".repeat(3000), "{}", "0x10", "*");
const known = fc.constantFrom(
  ...["api", "runs", "run234", "status", "events", "orders", "blobs", "tokens", "clients", "eject", "readmit", "pause"],
  ...["resume", "stop", "socket", "demo-data", "metrics", "healthz", "join", "assets", "openapi.json", "0", "1.0.0"],
  ...["1.1.0", `1.0.${hash}`, hash, "9.9.9"],
);
const own = (...rest: fc.Arbitrary<string>[]) => fc.tuple(...rest).map((parts) => ["api", "runs", "run234", ...parts]);
const of = (...texts: string[]) => fc.constantFrom(...texts);
/** Mostly addresses that there are. */
const path = fc.oneof(
  own(of("orders"), of("1.0.0", "1.1.0", "2.0.0", `1.0.${hash.slice(32)}`, "x")),
  own(of("blobs"), of(hash, "..")),
  own(of("status", "events", "pause", "resume", "tokens", "demo-data", "socket")),
  own(of("tokens"), of(hash, "x")),
  own(of("clients"), of("0", "7", "1e3"), of("readmit", "eject", "x")),
  fc.array(fc.oneof({ weight: 8, arbitrary: known }, odd), { maxLength: 4 }).map((rest) => ["api", "runs", ...rest]),
  fc.array(fc.oneof({ weight: 5, arbitrary: known }, odd, fc.string({ maxLength: 12 })), { maxLength: 7 }),
);
const number = fc.oneof(fc.nat({ max: 300 }), fc.nat(), fc.constantFrom("-1", "1e9", "", "99999999999999999999", "0"));
const query = fc.record(
  { offset: number, total: number, after: number, hash: fc.constantFrom(hash, hash, hash, "..", "A".repeat(64), "") },
  { requiredKeys: ["total", "hash"] },
);
const value = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => text.replace(/[^\x21-\x7e]/g, "")),
  fc.constantFrom("bytes=0-", "bytes=-1", "bytes=9-1", `"${hash}"`, "application/json", "text/plain", "gzip", "null"),
);
const names = ["range", "if-range", "if-none-match", "content-type", "content-encoding", "last-event-id", "x"];
const from = ["origin", "sec-fetch-site", "host", "x-forwarded-for"];
const headersOf = (all: string[]) => fc.dictionary(fc.constantFrom(...all), value, { maxKeys: 4 });
const json = fc.constant({ "content-type": "application/json" });
const headers = fc.oneof(
  { weight: 4, arbitrary: headersOf(names) },
  { weight: 4, arbitrary: json },
  headersOf([...names, ...from]),
);
const deep = fc.constantFrom(
  "[".repeat(50_000),
  '{"a":'.repeat(10_000),
  '{"__proto__":{}}',
  '{"ttlSeconds":1}',
  "null",
);
const body = fc.oneof(fc.uint8Array({ maxLength: 300 }), deep, fc.json({ maxDepth: 3 }), fc.constant(undefined));
const request = fc.record({
  method: fc.constantFrom("GET", "GET", "HEAD", "PUT", "PUT", "POST", "POST", "DELETE", "PATCH", "PROPFIND"),
  ...{ path, query, headers, body },
  /** Whether the method is one that the address has. */
  fits: fc.boolean(),
  access: fc.constantFrom("none", "operator", "operator", "client", "client", "other", "garbage"),
});

/** The method of a route, by what comes after the run. */
function methodOf(parts: readonly string[], other: string): string {
  const [, , , kind = ""] = parts;
  if (kind === "orders") return other === "GET" ? "GET" : "PUT";
  if (kind === "tokens" && parts.length > 4) return "DELETE";
  return ["tokens", "clients", "pause", "resume"].includes(kind) ? "POST" : "GET";
}

/** Random requests to a real run; none may fail in the server. Returns how often each status came. */
export async function fuzzRoutes(served: Served, cases: number): Promise<Record<number, number>> {
  const site = await testSite({}, { live: served.live });
  const keys = {
    operator: site.token,
    client: served.sessions[0],
    other: served.sessions[1],
    garbage: "x".repeat(4000),
  };
  const statuses: Record<number, number> = {};
  const run = async ({
    method: any,
    fits,
    path: parts,
    query: asked,
    headers: given,
    body: sent,
    access,
  }: FuzzRequest) => {
    const method = fits ? methodOf(parts, any) : any;
    const text = `/${parts.map((part) => part.replace(/[^\x21-\x7e]/g, "%7f")).join("/")}?${new URLSearchParams(texts(asked))}`;
    if (!URL.canParse(`http://127.0.0.1:8080${text}`)) return;
    const authorization: Record<string, string> = access === "none" ? {} : { authorization: `Bearer ${keys[access]}` };
    const hasBody = method !== "GET" && method !== "HEAD" && sent !== undefined;
    const content = typeof sent === "string" ? sent : new Uint8Array(sent ?? []);
    const response = await site.request(text, {
      ...{ method, headers: { ...given, ...authorization } },
      ...(hasBody ? { body: content, duplex: "half" as const } : {}),
    });
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    await response.body?.cancel();
    expect(response.status, `${method} ${text} as ${access}`).toBeLessThan(500);
  };
  await fc.assert(fc.asyncProperty(request, run), { numRuns: cases, seed: 11 });
  site.run.events.close();
  await site.remove();
  return statuses;
}

type FuzzRequest = typeof request extends fc.Arbitrary<infer R> ? R : never;

function texts(of: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(of).map(([name, each]) => [name, String(each)]));
}

const message = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc
    .record(
      {
        type: fc.constantFrom("hello", "prove", "ready", "progress", "failed", "evaluated", "leave", "x"),
        ...{
          v: fc.nat({ max: 2 }),
          run: fc.string(),
          token: fc.string(),
          publicKey: fc.base64String(),
          order: fc.string(),
        },
        ...{ signature: fc.base64String(), share: fc.double(), examples: fc.integer(), phase: fc.string() },
      },
      { requiredKeys: ["type"] },
    )
    .map((made) => JSON.stringify(made)),
);
const frame = fc.oneof(
  message.map((text) => wsFrame(1, Buffer.from(text))),
  fc
    .tuple(fc.nat({ max: 15 }), fc.uint8Array({ maxLength: 200 }))
    .map(([opcode, bytes]) => wsFrame(opcode, Buffer.from(bytes))),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
    Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
  ),
);
const connection = fc.record({
  /** Of a WebSocket, of HTTP, or of nothing. */
  kind: fc.constantFrom("socket", "socket", "http", "bytes"),
  frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
  line: fc.tuple(
    fc.constantFrom("GET", "PUT", "\0", "G E T"),
    fc.string({ maxLength: 30 }),
    fc.constantFrom("HTTP/1.1", "HTTP/9", ""),
  ),
});

/** Random bytes and frames over connections; the server must still answer after each hundred. */
export async function fuzzConnections({ door }: Served, cases: number): Promise<void> {
  const port = Number(new URL(door.url).port);
  const key = randomBytes(16).toString("base64");
  const upgrade = `GET /api/runs/${door.run}/socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
  let done = 0;
  const run = async ({ kind, frames, line }: FuzzConnection) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    const closed = once(socket, "close");
    await once(socket, "connect");
    socket.resume();
    if (kind === "socket") socket.write(upgrade);
    if (kind === "http") socket.write(`${line.join(" ")}\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    for (const bytes of frames) socket.write(bytes);
    socket.end();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))]);
    socket.destroy();
    if (++done % 100 === 0) expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  };
  await fc.assert(fc.asyncProperty(connection, run), { numRuns: cases, seed: 12 });
  await new HandClient(door.url, door.run).heard("challenge");
}

type FuzzConnection = typeof connection extends fc.Arbitrary<infer C> ? C : never;

/** A masked frame, as clients send them. */
function wsFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head, 0, 0, 0, 0]), payload]);
}

/** All of it, in bounded memory. Returns what was seen. */
export async function fuzzServer(served: Served, { requests, connections }: FuzzCases): Promise<string> {
  const before = process.memoryUsage().rss;
  const statuses = await fuzzRoutes(served, requests);
  await fuzzConnections(served, connections);
  const grown = process.memoryUsage().rss - before;
  expect(grown).toBeLessThan(400e6);
  expect((await fetch(`${served.door.url}/healthz`)).status).toBe(200);
  return `${JSON.stringify(statuses)}, ${Math.round(grown / 1e6)} MB more`;
}
