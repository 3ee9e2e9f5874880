import { randomBytes, randomInt } from "node:crypto";
import { AnabranchError } from "@anabranch/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultyServer, sha256 } from "./testing/faulty-server.ts";
import { type NodeTransport, nodeTransport, type TransportOptions } from "./transport.ts";

let server: FaultyServer;
let base: string;
const opened: NodeTransport[] = [];

beforeEach(async () => {
  server = new FaultyServer();
  base = `http://127.0.0.1:${await server.listen()}`;
});

afterEach(async () => {
  for (const transport of opened.splice(0)) transport.close();
  await server.close();
});

function open(options: TransportOptions = {}, at = base): NodeTransport {
  const transport = nodeTransport({ base: at, origin: new URL(at).origin, run: "abc234" }, options);
  opened.push(transport);
  return transport;
}

const ignore = () => {};

/** The error that a promise ends with. */
async function failureOf(promise: Promise<unknown>): Promise<AnabranchError> {
  const error = await promise.then(
    () => new Error("no failure"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AnabranchError);
  return error as AnabranchError;
}

/** Tries until it succeeds, as a client does. Other errors than `live/connection` end it. */
async function persistently<T>(attempt: () => Promise<T>): Promise<{ readonly result: T; readonly attempts: number }> {
  for (let attempts = 1; ; attempts++) {
    try {
      return { result: await attempt(), attempts };
    } catch (error) {
      if (!(error instanceof AnabranchError) || error.code !== "live/connection" || attempts > 50) throw error;
    }
  }
}

/** Offsets at which connections are cut, different in every repetition. */
function randomCuts(bytes: number): { kind: "cut"; after: number }[] {
  return Array.from({ length: randomInt(1, 6) }, () => ({ kind: "cut", after: randomInt(0, bytes) }));
}

const repetitions = Array.from({ length: 20 }, (_, i) => i);

describe("a download", () => {
  it("has the bytes of its hash, sends the session and reports its share", async () => {
    const bytes = randomBytes(300_000);
    const shares: number[] = [];
    const received = await open().download("secret", server.add(bytes), bytes.length, (share) => shares.push(share));
    expect(Buffer.compare(received, bytes)).toBe(0);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(server.requests[0]!.headers.authorization).toBe("Bearer secret");
    expect(server.requests[0]!.url).toMatch(/^\/api\/runs\/abc234\/blobs\/[0-9a-f]{64}$/);
  });

  it.each(repetitions)("continues where it was cut off (%i)", async () => {
    const bytes = randomBytes(randomInt(1, 3_000_000));
    const hash = server.add(bytes);
    server.faults.push(...randomCuts(bytes.length));
    const transport = open();
    const { result, attempts } = await persistently(() => transport.download("s", hash, bytes.length, ignore));
    expect(Buffer.compare(result, bytes)).toBe(0);
    expect(server.requests).toHaveLength(attempts);
    expect(server.bytesSent).toBe(bytes.length);
  });

  it("starts again where the server cannot continue", async () => {
    const bytes = randomBytes(100_000);
    const hash = server.add(bytes);
    const transport = open();
    server.faults.push({ kind: "cut", after: 50_000 }, { kind: "status", status: 416 });
    await failureOf(transport.download("s", hash, bytes.length, ignore));
    expect((await failureOf(transport.download("s", hash, bytes.length, ignore))).code).toBe("live/protocol");
    expect(Buffer.compare(await transport.download("s", hash, bytes.length, ignore), bytes)).toBe(0);
  });

  it("is refused where its bytes have another hash", async () => {
    const bytes = randomBytes(10_000);
    const hash = server.add(bytes);
    const transport = open();
    server.faults.push({ kind: "wrong" });
    expect((await failureOf(transport.download("s", hash, bytes.length, ignore))).code).toBe("live/hash");
    server.faults.push({ kind: "cut", after: 5_000 }, { kind: "wrong" });
    const { result, attempts } = await persistently(() => transport.download("s", hash, bytes.length, ignore));
    expect(Buffer.compare(result, bytes)).toBe(0);
    expect(attempts).toBe(3);
  });

  it("is refused where the server announces another length", async () => {
    const hash = server.add(randomBytes(1_000));
    expect((await failureOf(open().download("s", hash, 999, ignore))).code).toBe("live/protocol");
  });

  it("that is larger than allowed is not begun", async () => {
    const hash = server.add(randomBytes(1_001));
    const { code } = await failureOf(open({ mostBytesDown: 1_000 }).download("s", hash, 1_001, ignore));
    expect({ code, requests: server.requests.length }).toEqual({ code: "client/limit", requests: 0 });
  });

  it("fails where no byte moves for too long, not where it is slow", async () => {
    const bytes = randomBytes(1_000);
    const hash = server.add(bytes);
    // twenty pauses fit in the silence that is allowed, and all of them do not
    const transport = open({ silentMs: 1_000 });
    server.faults.push({ kind: "slow", pauseMs: 50, pieces: 30 });
    expect(Buffer.compare(await transport.download("s", hash, bytes.length, ignore), bytes)).toBe(0);
    server.faults.push({ kind: "silent" });
    const { code, failure } = await failureOf(transport.download("s", hash, bytes.length, ignore));
    expect(code).toBe("live/connection");
    expect(failure.message).toBe("the server does not answer");
  });
});

describe("an upload", () => {
  it("arrives whole and reports its share", async () => {
    const bytes = randomBytes(3_000_000);
    const shares: number[] = [];
    const answer = await open().upload("secret", "3/1/0", sha256(bytes), bytes, (share) => shares.push(share));
    expect(answer).toEqual({ status: "accepted", hash: sha256(bytes) });
    expect(Buffer.compare(server.uploads.get("3.1.0")!.bytes, bytes)).toBe(0);
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBe(1);
    expect(server.requests[0]!.headers.authorization).toBe("Bearer secret");
  });

  it.each(repetitions)("continues where it was cut off (%i)", async () => {
    const bytes = randomBytes(randomInt(1, 3_000_000));
    // requests for the offset, between those that send, take no fault of bytes
    for (const cut of randomCuts(bytes.length)) server.faults.push(cut, undefined);
    const transport = open();
    const { result } = await persistently(() => transport.upload("s", "1/2/0", sha256(bytes), bytes, ignore));
    expect(result.status).toBe("accepted");
    expect(Buffer.compare(server.uploads.get("1.2.0")!.bytes, bytes)).toBe(0);
    expect(server.bytesReceived).toBe(bytes.length);
  });

  it("whose answer was lost is not sent again", async () => {
    const bytes = randomBytes(100_000);
    const transport = open();
    server.faults.push({ kind: "unanswered" });
    const { result, attempts } = await persistently(() => transport.upload("s", "1/2/0", sha256(bytes), bytes, ignore));
    expect({ status: result.status, attempts, received: server.bytesReceived }).toEqual({
      status: "accepted",
      attempts: 2,
      received: bytes.length,
    });
  });

  it("of a client that was started again continues with what the server has", async () => {
    const bytes = randomBytes(100_000);
    server.faults.push({ kind: "cut", after: 60_000 });
    await failureOf(open().upload("s", "1/2/0", sha256(bytes), bytes, ignore));
    expect((await open().upload("s", "1/2/0", sha256(bytes), bytes, ignore)).status).toBe("accepted");
    expect(server.bytesReceived).toBe(bytes.length);
  });

  it("is given up where the server never has enough", async () => {
    server.faults.push(
      ...Array.from({ length: 64 }, () => ({ kind: "status", status: 308, body: { offset: 0 } }) as const),
    );
    const bytes = randomBytes(100);
    const { code, message } = await failureOf(open().upload("s", "1/2/0", sha256(bytes), bytes, ignore));
    expect(code).toBe("live/connection");
    expect(message).toContain("64 parts");
  });

  it("that is refused before it was sent is a refusal", async () => {
    const body = { status: "refused", code: "live/late", message: "the round is over" };
    server.faults.push({ kind: "status", status: 410, body });
    const bytes = randomBytes(20_000_000);
    expect(await open().upload("s", "1/2/0", sha256(bytes), bytes, ignore)).toEqual(body);
  });
});

describe("an answer", () => {
  it.each([
    [401, "live/connection"],
    [403, "live/refused"],
    [404, "live/not-found"],
    [409, "live/conflict"],
    [410, "live/gone"],
    [413, "live/too-large"],
    [302, "live/moved"],
    [418, "live/protocol"],
    [408, "live/connection"],
    [429, "live/connection"],
    [500, "live/connection"],
    [503, "live/connection"],
    [507, "live/connection"],
  ])("with status %i is the error %s, with what to do", async (status, code) => {
    const transport = open();
    const bytes = randomBytes(100);
    server.faults.push({ kind: "status", status, body: {} });
    const failed = await failureOf(transport.download("s", sha256(bytes), 100, ignore));
    expect(failed.code).toBe(code);
    expect(failed.failure.advice).toMatch(/\.$/);
    server.faults.push({
      kind: "status",
      status,
      body: { code: "own/code", message: "own words", advice: "Own advice." },
    });
    const spoken = await failureOf(transport.upload("s", "1/2/0", sha256(bytes), bytes, ignore));
    expect(spoken.code).toBe(code);
    expect(spoken.failure).toMatchObject({ message: "own words", advice: "Own advice." });
  });

  it("that is too long is not read to its end", async () => {
    server.faults.push({ kind: "status", status: 404, body: { message: "x".repeat(1_000_000) } });
    expect(
      (await failureOf(open().download("s", sha256(randomBytes(1)), 1, ignore))).failure.message.length,
    ).toBeLessThan(100);
  });
});

describe("a control connection", () => {
  /** Connects and collects what comes. */
  async function connect(options: TransportOptions = {}) {
    const messages: string[] = [];
    const closed: string[] = [];
    const ended = Promise.withResolvers<string>();
    const link = await open(options).connect({
      message: (text) => messages.push(text),
      closed(reason) {
        closed.push(reason);
        ended.resolve(reason);
      },
    });
    return { link, messages, closed, ended: ended.promise };
  }

  it("carries text both ways and ends once", async () => {
    const { link, messages, closed, ended } = await connect();
    link.send("one");
    link.send("two");
    await expect.poll(() => messages).toEqual(["one", "two"]);
    link.close();
    await ended;
    link.send("three");
    expect(closed).toHaveLength(1);
  });

  it("is there before the server's first words", async () => {
    let connected = false;
    const early: string[] = [];
    server.greeting = "challenge";
    for (let i = 0; i < 20; i++) {
      connected = false;
      const message = (text: string) => early.push(connected ? text : "too early");
      const link = await open().connect({ message, closed: ignore });
      await Promise.resolve().then(() => Promise.resolve());
      connected = true;
      await expect.poll(() => early, { interval: 1 }).toHaveLength(i + 1);
      link.close();
    }
    expect(new Set(early)).toEqual(new Set(["challenge"]));
  });

  it("that the server cuts off ends with a reason", async () => {
    const { ended } = await connect();
    server.sockets[0]!.terminate();
    expect(await ended).toBe("the connection was cut off");
  });

  it("to a server that hangs ends by itself", async () => {
    const { ended, closed } = await connect({ pingMs: 100 });
    server.sockets[0]!.pause();
    expect(await ended).toBe("the connection was cut off");
    expect(closed).toHaveLength(1);
  });

  it("does not take messages above the limit, nor binary ones", async () => {
    const long = await connect();
    server.sockets[0]!.send("x".repeat(65_537));
    await long.ended;
    const binary = await connect();
    server.sockets[1]!.send(Buffer.from("x"));
    await binary.ended;
    expect([...long.messages, ...binary.messages]).toEqual([]);
  });

  it.each([
    [403, "live/refused"],
    [404, "live/not-found"],
    [503, "live/connection"],
  ])("refused with status %i fails with %s", async (status, code) => {
    server.faults.push({ kind: "status", status, body: { code: "x", message: "own words" } });
    const failed = await failureOf(connect());
    expect(failed.code).toBe(code);
    expect(failed.failure.message).toBe("own words");
  });

  it("to a server that does not answer fails in time", async () => {
    server.faults.push({ kind: "silent" });
    expect((await failureOf(connect({ silentMs: 200 }))).code).toBe("live/connection");
  });
});

describe("a server that cannot be reached", () => {
  it("is refused at its port, with what to do", async () => {
    await server.close();
    const failed = await failureOf(open().connect({ message: ignore, closed: ignore }));
    expect(failed.code).toBe("live/connection");
    expect(failed.failure.message).toBe("nothing answers at this address and port");
    expect((await failureOf(open().download("s", sha256(randomBytes(1)), 1, ignore))).code).toBe("live/connection");
  });

  it("has an unknown name", async () => {
    const failed = await failureOf(open({}, "http://nowhere.invalid:1").connect({ message: ignore, closed: ignore }));
    expect(failed.code).toBe("live/connection");
    expect(failed.failure.message).toContain("host name");
  });

  it("without TLS is reported where the link has https", async () => {
    const failed = await failureOf(
      open({}, base.replace("http", "https")).connect({ message: ignore, closed: ignore }),
    );
    expect(failed.code).toBe("live/protocol");
    expect(failed.failure.advice).toContain("http://");
  });

  it("receives nothing more after the transport was closed", async () => {
    const transport = open();
    server.faults.push({ kind: "silent" });
    const download = failureOf(transport.download("s", sha256(randomBytes(1)), 1, ignore));
    await expect.poll(() => server.requests).toHaveLength(1);
    transport.close();
    expect((await download).code).toBe("live/stopped");
  });
});
