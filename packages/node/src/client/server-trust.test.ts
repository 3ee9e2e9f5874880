import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readServerTrust, type ServerTrust } from "./server-trust.ts";
import { type Certificate, hasOpenssl, selfSigned } from "./testing/certificates.ts";
import { FaultyServer } from "./testing/faulty-server.ts";
import { type NodeTransport, nodeTransport } from "./transport.ts";

async function refusal(given: Parameters<typeof readServerTrust>[0]): Promise<string> {
  const error = await readServerTrust(given).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AnabranchError);
  return (error as AnabranchError).code;
}

describe("options for TLS", () => {
  const digits = "ab".repeat(32);

  it.each([
    digits,
    digits.toUpperCase(),
    digits.match(/../g)!.join(":"),
    `SHA256:${digits}`,
    `sha256 Fingerprint=${digits.toUpperCase().match(/../g)!.join(":")}`,
  ])("take the fingerprint %s", async (fingerprint) => {
    expect(await readServerTrust({ fingerprint })).toEqual({ kind: "fingerprint", sha256: digits });
  });

  it("refuse other digits, other files, or both options", async () => {
    const folder = await mkdtemp(join(tmpdir(), "anabranch-ca-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "ca.pem");
    await writeFile(file, "nothing");
    expect(await refusal({ fingerprint: "ab".repeat(20) })).toBe("usage/fingerprint");
    expect(await refusal({ ca: file })).toBe("usage/ca");
    expect(await refusal({ ca: join(folder, "missing.pem") })).toBe("usage/ca");
    expect(await refusal({ ca: file, fingerprint: digits })).toBe("usage/conflict");
    expect(await readServerTrust({})).toEqual({ kind: "authorities" });
  });
});

describe.skipIf(!hasOpenssl)("a server with a self-signed certificate (needs the command openssl)", () => {
  let own: Certificate;
  let fingerprint: ServerTrust;
  const servers: FaultyServer[] = [];
  const transports: NodeTransport[] = [];
  const bytes = Buffer.from("weights");

  beforeAll(() => {
    own = selfSigned("IP:127.0.0.1", "20200101000000Z", "20990101000000Z");
    fingerprint = pin(own);
  });

  afterEach(async () => {
    for (const transport of transports.splice(0)) transport.close();
    for (const server of servers.splice(0)) await server.close();
  });

  afterAll(() => {
    expect(process.env["NODE_TLS_REJECT_UNAUTHORIZED"]).toBeUndefined();
  });

  const pin = ({ cert }: Certificate): ServerTrust => ({
    kind: "fingerprint",
    sha256: new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase(),
  });

  /** What a client gets by both ways: the text of an echo and the bytes of a blob, or the code of an error. */
  async function reach(certificate: Certificate, trust: ServerTrust) {
    const server = new FaultyServer(certificate);
    servers.push(server);
    const base = `https://127.0.0.1:${await server.listen()}`;
    const hash = server.add(bytes);
    const transport = nodeTransport({ base, origin: base, run: "abc234" }, { trust });
    transports.push(transport);
    const code = (error: unknown) => (error instanceof AnabranchError ? error.code : String(error));
    const download = () =>
      transport
        .download("secret", hash, bytes.length, () => {})
        .then((received) => Buffer.from(received).toString(), code);
    const echo = async () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const link = await transport.connect({ message: resolve, closed: resolve });
      link.send("hello");
      const text = await promise;
      link.close();
      return text;
    };
    return { http: await download(), again: await download(), socket: await echo().catch(code), server };
  }

  it("is trusted by its fingerprint or by its certificate", async () => {
    for (const trust of [fingerprint, { kind: "ca", pem: own.cert } as const]) {
      const { http, again, socket } = await reach(own, trust);
      expect({ http, again, socket }).toEqual({ http: "weights", again: "weights", socket: "hello" });
    }
  });

  it("reports a link without TLS", async () => {
    const server = new FaultyServer(own);
    servers.push(server);
    const base = `http://127.0.0.1:${await server.listen()}`;
    const transport = nodeTransport({ base, origin: base, run: "abc234" });
    transports.push(transport);
    const connecting = transport.connect({ message: () => {}, closed: () => {} });
    await expect(connecting).rejects.toThrow("if it uses TLS, the link has to begin with https://");
  });

  it("is not trusted otherwise, and is sent nothing", async () => {
    const other = selfSigned("IP:127.0.0.1", "20200101000000Z", "20990101000000Z");
    for (const trust of [{ kind: "authorities" } as const, pin(other), { kind: "ca", pem: other.cert } as const]) {
      const { http, socket, server } = await reach(own, trust);
      expect({ http, socket }).toEqual({ http: "live/certificate", socket: "live/certificate" });
      expect(server.requests).toEqual([]);
      expect(server.sockets).toEqual([]);
    }
  });

  it("whose certificate has expired or is for another host is refused with --ca", async () => {
    const expired = selfSigned("IP:127.0.0.1", "20200101000000Z", "20200102000000Z");
    const early = selfSigned("IP:127.0.0.1", "20980101000000Z", "20990101000000Z");
    const elsewhere = selfSigned("DNS:elsewhere.test", "20200101000000Z", "20990101000000Z");
    for (const certificate of [expired, early, elsewhere]) {
      const { http, socket } = await reach(certificate, { kind: "ca", pem: certificate.cert });
      expect({ http, socket }).toEqual({ http: "live/certificate", socket: "live/certificate" });
    }
  });
});
