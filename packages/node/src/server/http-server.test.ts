import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type HttpServer, listen } from "./http-server.ts";
import { RateLimit } from "./rate-limit.ts";
import { sha256 } from "./testing/fake-live.ts";
import { asClient, type TestSite, testSite } from "./testing/test-site.ts";
import { openTls } from "./tls.ts";

let world: TestSite;
let server: HttpServer;
let port: number;
beforeEach(async () => {
  world = await testSite();
  await open();
});
afterEach(async () => {
  await server.close();
  await world.remove();
});

async function open(changes: Partial<Parameters<typeof listen>[1]> = {}): Promise<void> {
  server = await listen(world.site, { host: "127.0.0.1", port: 0, ...changes });
  port = server.port;
}

const run = "/api/runs/run234";

/** What a connection is answered to raw text, until it is closed or `enough` of it is there. */
async function raw(text: string, enough = /\r\n\r\n/): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) {
    answer += String(chunk);
    if (enough.test(answer)) break;
  }
  socket.destroy();
  return answer;
}

interface Dialled {
  readonly socket: WebSocket;
  readonly received: string[];
  readonly closed: Promise<number>;
}

function dial(options: { path?: string; headers?: Record<string, string> } = {}): Dialled {
  const { path = `${run}/socket`, headers = {} } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  const received: string[] = [];
  socket.on("message", (data) => received.push(String(data)));
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => socket.on("close", (code) => resolve(code)));
  return { socket, received, closed };
}

/** Status and code of a refused upgrade. */
async function refusal({ socket }: Dialled): Promise<string> {
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return `${response.statusCode} ${(JSON.parse(body) as { code: string }).code}`;
}

describe("a control connection", () => {
  it("carries messages both ways, and the origin that the client signs", async () => {
    const { socket, received, closed } = dial();
    await once(socket, "open");
    await expect.poll(() => received.length).toBe(1);
    socket.send('{"type":"leave"}');
    await expect.poll(() => world.live.messages).toEqual(['{"type":"leave"}']);
    expect(world.live.links[0]!.origin).toBe(`http://127.0.0.1:${port}`);
    world.live.links[0]!.close();
    expect(await closed).toBe(1000);
    await expect.poll(() => world.live.closed).toBe(1);
  });

  it.each([
    [{ path: "/api/runs/other/socket" }, "404 http/not-found"],
    [{ path: "/api/runs/run234/socket/.." }, "404 http/not-found"],
    [{ path: "/" }, "404 http/not-found"],
    [{ headers: { origin: "http://evil.example" } }, "403 http/origin"],
    [{ headers: { origin: "null" } }, "403 http/origin"],
    [{ headers: { host: "evil.example" } }, "421 http/host"],
    [{ headers: { host: "127.0.0.1:1" } }, "421 http/host"],
  ])("is refused where it does not belong (%j)", async (options, code) => {
    expect(await refusal(dial(options))).toBe(code);
    expect(world.live.links).toEqual([]);
  });

  it("from the own page is taken", async () => {
    const { socket } = dial({ headers: { origin: `http://127.0.0.1:${port}` } });
    await once(socket, "open");
    socket.close();
  });

  it("ends at a message that is too long, binary, or one of too many", async () => {
    const long = dial();
    await once(long.socket, "open");
    long.socket.send("x".repeat(65_537));
    expect(await long.closed).toBe(1009);
    const binary = dial();
    await once(binary.socket, "open");
    binary.socket.send(Buffer.from("{}"));
    expect(await binary.closed).toBe(1003);
    Object.assign(world.site.limits, { message: new RateLimit({ burst: 5, perSecond: 1 }) });
    const many = dial();
    await once(many.socket, "open");
    for (let i = 0; i < 6; i++) many.socket.send("{}");
    expect(await many.closed).toBe(1008);
    expect(world.live.messages.filter((text) => text === "{}")).toHaveLength(5);
  });

  it("ends at a message of too many pieces", async () => {
    const pieces = dial();
    await once(pieces.socket, "open");
    for (let i = 0; i < 100; i++) pieces.socket.send(" ", { fin: false });
    expect(await pieces.closed).toBe(1008);
  });

  it("ends at bytes that are not a frame", async () => {
    const key = Buffer.from("0123456789abcdef").toString("base64");
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `GET ${run}/socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await once(socket, "data");
    socket.write(Buffer.from("garbage that is no frame at all"));
    await once(socket, "close");
    await expect.poll(() => world.live.closed).toBe(1);
  });

  it("that answers no ping is cut", async () => {
    await server.close();
    await open({ sockets: { pingSeconds: 0.1, mostWaiting: 1e6, most: 10 } });
    const { socket } = dial();
    await once(socket, "open");
    socket.pause(); // no pong
    await expect.poll(() => world.live.closed).toBe(1);
    socket.terminate();
  });

  it("that does not read is cut before it fills the memory", async () => {
    await server.close();
    await open({ sockets: { pingSeconds: 100, mostWaiting: 1e6, most: 10 } });
    const { socket } = dial();
    await once(socket, "open");
    socket.pause();
    const link = world.live.links[0]!;
    const message = "x".repeat(60_000);
    for (let sent = 0; sent < 1000 && world.live.closed === 0; sent++) {
      link.send({ type: "refused", code: "a/b", message, retry: false });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(world.live.closed).toBe(1);
    socket.terminate();
  });

  it("is one of a bounded number", async () => {
    await server.close();
    await open({ sockets: { pingSeconds: 100, mostWaiting: 1e6, most: 1 } });
    const { socket } = dial();
    await once(socket, "open");
    expect(await refusal(dial())).toBe("503 http/full");
    socket.close();
  });
});

describe("a connection", () => {
  it.each([
    "GARBAGE\r\n\r\n",
    "\0\0\0\0\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET  HTTP/1.1\r\n\r\n",
  ])("with %j is refused", async (text) => {
    expect(await raw(text)).toMatch(/^HTTP\/1.1 400/);
  });

  it("with too many or too long headers is refused", async () => {
    const long = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`;
    expect(await raw(long)).toMatch(/^HTTP\/1.1 431/);
  });

  it.each([
    "GET http://evil.example/ HTTP/1.1",
    "GET //evil.example/ HTTP/1.1",
    "GET /../../etc/passwd HTTP/1.1",
  ])("asking for %s gets nothing of elsewhere", async (line) => {
    const answer = await raw(`${line}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`, /never/);
    expect(answer).toMatch(/^HTTP\/1.1 (400|404|421|200)/);
    expect(answer).not.toContain("root:");
  });

  it("with a body that nobody reads is ended with its answer", async () => {
    const head = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000\r\n\r\n`;
    expect(await raw(head, /never/)).toContain("200 OK");
  });

  it("without a Host header is refused", async () => {
    expect(await raw("GET /healthz HTTP/1.0\r\n\r\n", /never/)).toMatch(/^HTTP\/1.1 (400|421)/);
  });

  it("that sends a byte of its body now and then is ended", async () => {
    const pace = { bytesPerSecond: 1000, graceSeconds: 0.5 };
    await server.close();
    Object.assign(world.site, { pace });
    await open();
    const hash = sha256("x");
    const head = `PUT ${run}/orders/1.0.0?offset=0&total=100000&hash=${hash} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer session-0\r\nContent-Length: 100000\r\n\r\n`;
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(head);
    const drip = setInterval(() => socket.write("x"), 50);
    let answer = "";
    socket.on("data", (data) => {
      answer += String(data);
    });
    await once(socket, "close");
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 408/);
    expect(answer).toContain("http/too-slow");
  });

  it("cut in the middle of an upload costs only that", async () => {
    const bytes = Buffer.alloc(500_000, 7);
    const hash = sha256(bytes);
    const path = (offset: number) => `${run}/orders/1.0.0?offset=${offset}&total=${bytes.length}&hash=${hash}`;
    const socket: Socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `PUT ${path(0)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer session-0\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    socket.write(bytes.subarray(0, 200_000), () => setTimeout(() => socket.destroy(), 50));
    await once(socket, "close");
    const base = `http://127.0.0.1:${port}`;
    const headers = asClient(0);
    let offset = 0;
    await expect
      .poll(async () => {
        ({ offset } = (await (await fetch(base + path(0), { headers })).json()) as { offset: number });
        return offset;
      })
      .toBeGreaterThan(0);
    const sent = await fetch(base + path(offset), { method: "PUT", headers, body: bytes.subarray(offset) });
    expect(await sent.json()).toEqual({ status: "accepted", hash });
  });

  it("cut in the middle of a download costs only that", async () => {
    const bytes = Buffer.alloc(20_000_000, 3);
    const hash = sha256(bytes);
    await writeFile(join(world.run.folder.folder, "blobs", hash), bytes);
    world.live.published.add(hash);
    const path = `${run}/blobs/${hash}`;
    for (let i = 0; i < 5; i++) {
      const request = httpRequest({ port, path, headers: asClient(0) });
      request.on("error", () => {});
      request.on("response", (response) => response.once("data", () => request.destroy()));
      request.end();
      await once(request, "close");
    }
    const whole = await fetch(`http://127.0.0.1:${port}${path}`, { headers: asClient(0) });
    expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(hash);
  });
});

describe("listening", () => {
  const refused = (host: string, at: number) =>
    listen(world.site, { host, port: at }).then(
      () => "none",
      (error: { code: string }) => error.code,
    );

  it("says what is wrong with a port or an address", async () => {
    expect(await refused("127.0.0.1", port)).toBe("server/port-taken");
    expect(await refused("203.0.113.7", 0)).toBe("server/host");
    expect(await refused("no-such-host.invalid", 0)).toBe("server/host");
  });

  it("ends although clients hold connections open", async () => {
    const { socket, closed } = dial();
    await once(socket, "open");
    socket.pause(); // takes no part in the end
    const idle = connect(port, "127.0.0.1");
    idle.on("error", () => {});
    const dropped = new Promise((resolve) => idle.resume().once("close", resolve));
    await once(idle, "connect");
    const events = await fetch(`http://127.0.0.1:${port}${run}/events`);
    await server.close();
    await dropped;
    socket.resume();
    await closed;
    await events.body?.cancel().catch(() => undefined);
    await open();
  });

  it("with a certificate made for a trial encrypts, by names and addresses", async () => {
    await server.close();
    const tls = await openTls("self", ["localhost", "127.0.0.1"]);
    await open({ tls });
    const status = (host: string) =>
      new Promise((resolve, reject) => {
        const request = httpsRequest({ host, port, path: "/healthz", ca: tls.cert }, (response) => {
          resolve(response.statusCode);
          response.resume();
        });
        request.on("error", reject).end();
      });
    expect(await status("127.0.0.1")).toBe(200);
    await expect(fetch(`https://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });
});
