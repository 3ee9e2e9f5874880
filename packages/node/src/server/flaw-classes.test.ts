import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { decodeUpdate, parseConfig } from "@anabranch/core";
import { clientMessage } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { requireSafe } from "./public-bind.ts";
import { HandClient } from "./testing/hand-client.ts";
import { type Served, serveTrial } from "./testing/served.ts";

/** Flaws that were found in other federated systems, each tried here. */
let served: Served;
beforeAll(async () => {
  served = await serveTrial();
}, 60_000);
afterAll(() => served.close(), 30_000);

/** Code by which the server refuses a client's first message. */
async function refusalOf(text: string): Promise<string> {
  const hand = new HandClient(served.door.url, served.door.run);
  await hand.heard("challenge");
  hand.say(text);
  return hand.refused();
}

const hello = () => ({
  ...{ type: "hello", v: 1, package: "0.1.0", run: served.door.run, token: served.token },
  publicKey: Buffer.alloc(32).toString("base64"),
});

describe("authorization bypass by a key that the user controls", () => {
  it("no id of an order or blob leads a client to what is another's", { timeout: 60_000 }, async () => {
    const number = fc.oneof(fc.nat({ max: 3 }), fc.nat(), fc.constantFrom("0x1", "1e0", "-1", "%31", "１", "1%2f1"));
    const id = fc.tuple(number, number, number, fc.constantFrom(".", "/", "%2f", ".%00"));
    await fc.assert(
      fc.asyncProperty(id, fc.string(), async ([a, b, c, separator], text) => {
        const order = [a, b, c].join(separator);
        if (order === "1.1.0") return;
        const session = { authorization: `Bearer ${served.sessions[1]}` };
        const body = new Uint8Array([1]);
        const hash = "6".repeat(64);
        const url = `${served.api}/orders/${order}?offset=0&total=1&hash=${hash}`;
        const put = await fetch(url, { method: "PUT", headers: session, body });
        const answer = (await put.json()) as { status?: string; code: string };
        expect([put.status, answer.status, answer.code]).toEqual(
          put.status === 200 ? [200, "refused", "live/closed"] : [404, undefined, "http/not-found"],
        );
        const blob = await fetch(`${served.api}/blobs/${encodeURIComponent(text)}`, { headers: session });
        expect(blob.status).toBe(404);
        await blob.body?.cancel();
      }),
      { numRuns: 40, seed: 7 },
    );
  });
});

describe("a type name in a message that picks code", () => {
  it.each([
    { __class__: "os.system" },
    { $type: "System.Diagnostics.Process" },
    { type: "hello/../exec" },
    { type: { name: "hello" } },
    { executor: "child_process" },
  ])("%j is not a message", async (changes) => {
    expect(await refusalOf(JSON.stringify({ ...hello(), ...changes }))).toBe("live/message");
  });
});

describe("use before validation", () => {
  it("every field of a message is checked before the first is used", () => {
    const base = hello();
    for (const key of Object.keys(base)) {
      for (const value of [null, {}, [], 1e308, "x".repeat(1000), true, undefined]) {
        if (key === "package" || key === "run" || key === "token") continue;
        expect(clientMessage.safeParse({ ...base, [key]: value }).success, `${key} ${String(value)}`).toBe(false);
      }
      for (const value of [null, {}, [], 7, true]) {
        expect(clientMessage.safeParse({ ...base, [key]: value }).success, `${key} ${String(value)}`).toBe(false);
      }
    }
  });
});

describe("unsafe deserialization", () => {
  const polluted = () => ({})["polluted" as never];

  it.each([
    '"__proto__":{"polluted":1}',
    '"constructor":{"prototype":{"polluted":1}}',
    '"labels":{"__proto__":{"polluted":"1"}},"x":1',
  ])("a message with keys of prototypes is refused: %s", async (text) => {
    const plain = JSON.stringify(hello());
    expect(await refusalOf(`${plain.slice(0, -1)},${text}}`)).toBe("live/message");
    expect(polluted()).toBeUndefined();
  });

  it("keys of prototypes in a request or a configuration change nothing", async () => {
    const headers = { authorization: `Bearer ${served.door.operatorToken}`, "content-type": "application/json" };
    const body = '{"__proto__":{"ttlSeconds":1},"constructor":{"prototype":{"polluted":1}}}';
    expect((await fetch(`${served.api}/tokens`, { method: "POST", headers, body })).status).toBe(400);
    expect(() => parseConfig("[__proto__]\npolluted = 1\n", "x.toml")).toThrow(AnabranchError);
    expect(polluted()).toBeUndefined();
  });

  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ["a pickle", new Uint8Array(Buffer.from("\x80\x04cos\nsystem\n(S'true'\ntR.", "latin1"))],
    ["YAML with a type", new Uint8Array(Buffer.from("!!python/object/apply:os.system ['true']"))],
    ["a PyTorch archive", new Uint8Array(Buffer.from("PK\x03\x04archive/data.pkl", "latin1"))],
    ["a Java object", new Uint8Array(Buffer.from("\xac\xed\x00\x05sr", "latin1"))],
  ])("%s is not an update", (_what, bytes) => {
    expect(() => decodeUpdate(bytes, "the test", { maxBytes: 1e6 })).toThrow(AnabranchError);
  });
});

describe("unbounded allocation", () => {
  /** Bytes that announce a header of so many. */
  const announcing = (length: bigint, rest = "{}") => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setBigUint64(0, length, true);
    return new Uint8Array([...head, ...Buffer.from(rest)]);
  };
  const tensor = (shape: readonly number[]) => {
    const text = JSON.stringify({ x: { dtype: "F64", shape, data_offsets: [0, 8] } });
    return announcing(BigInt(text.length), `${text}12345678`);
  };

  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ["a header of 2^63 bytes", announcing(2n ** 63n)],
    ["a header of 4 GiB", announcing(2n ** 32n)],
    ["a tensor of 2^60 values", tensor([2 ** 30, 2 ** 30])],
    ["a tensor of 2^53 rows", tensor([2 ** 53])],
    ["a tensor of a million axes", tensor(Array(100_000).fill(1))],
    ["nested brackets", announcing(60_000n, "[".repeat(60_000))],
  ])("%s costs no memory", (_what, bytes) => {
    const before = process.memoryUsage().rss;
    expect(() => decodeUpdate(bytes, "the test", { maxBytes: 1e6 })).toThrow(AnabranchError);
    expect(process.memoryUsage().rss - before).toBeLessThan(2e8);
  });

  it("an upload without end is ended at the size that an update may have", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const url = `${served.api}/orders/1.1.0?offset=0&total=60000&hash=${"6".repeat(64)}`;
    const headers = { authorization: `Bearer ${served.sessions[1]}` };
    const init: RequestInit & { duplex: "half" } = { method: "PUT", headers, body, duplex: "half" };
    const status = await fetch(url, init).then(
      (response) => response.status,
      () => "cut off",
    );
    expect([413, "cut off"]).toContain(status);
    expect(sent).toBeLessThan(1e8);
  });

  it("nothing that is sent is decompressed", async () => {
    const zeros = Buffer.alloc(10_000_000);
    const headers = {
      authorization: `Bearer ${served.door.operatorToken}`,
      ...{ "content-type": "application/json", "content-encoding": "gzip" },
    };
    const body = new Uint8Array(gzipSync(zeros));
    expect((await fetch(`${served.api}/tokens`, { method: "POST", headers, body })).status).toBe(400);
    const socket = new WebSocket(`${served.api.replace("http", "ws")}/socket`, { perMessageDeflate: true });
    await new Promise((resolve) => socket.once("open", resolve));
    expect(socket.extensions).toBe("");
    socket.send(deflateRawSync(zeros));
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(1003);
  });
});

describe("command injection", () => {
  it("no code of the packages starts a shell", () => {
    const root = join(import.meta.dirname, "../../..");
    const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (path) => /\/src\/.*\.ts$/.test(path) && !/\.test\.ts$|\/testing\/|node_modules/.test(path),
    );
    expect(sources.length).toBeGreaterThan(300);
    const shells = sources.filter((path) =>
      /\b(execSync|execFileSync|shell: true)\b|[^.\w]exec\(|\beval\(|new Function\(/.test(
        readFileSync(join(root, path), "utf8"),
      ),
    );
    expect(shells).toEqual([]);
  });
});

describe("open by default", () => {
  it("other machines reach a server only with TLS, or with --insecure", () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"]) {
      expect(() => requireSafe(host, false, false)).toThrow(/without encryption/);
    }
    expect(() => requireSafe("127.0.0.1", false, false)).not.toThrow();
    expect(served.door.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  });
});
