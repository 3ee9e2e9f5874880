import { readFile } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { AnabranchError } from "@anabranch/engine";

/** How a client recognizes its server over TLS. */
export type ServerTrust =
  /** By the certificate authorities of Node. */
  | { readonly kind: "authorities" }
  /** By an authority, or a self-signed certificate, of the operator's: PEM. */
  | { readonly kind: "ca"; readonly pem: string }
  /** By the certificate itself, whoever signed it: SHA-256 of its DER form, 64 lower-case hexadecimal digits. */
  | { readonly kind: "fingerprint"; readonly sha256: string };

/**
 * What --ca and --fingerprint mean.
 *
 * @throws `usage/conflict`, `usage/fingerprint`, `usage/ca` where the file cannot be read or holds no certificate
 */
export async function readServerTrust(given: {
  readonly ca?: string | undefined;
  readonly fingerprint?: string | undefined;
}): Promise<ServerTrust> {
  const { ca, fingerprint } = given;
  if (ca !== undefined && fingerprint !== undefined) {
    throw new AnabranchError({
      code: "usage/conflict",
      message: "--ca and --fingerprint exclude each other",
      advice: "A fingerprint alone identifies the server. Leave --ca out.",
    });
  }
  if (fingerprint !== undefined) return { kind: "fingerprint", sha256: parseFingerprint(fingerprint) };
  return ca === undefined ? { kind: "authorities" } : { kind: "ca", pem: await readPem(ca) };
}

/**
 * Connections that stay open between requests, to servers that are trusted.
 *
 * @param silentMs a connection that takes longer to open fails with ETIMEDOUT
 */
export function trustingAgent(secure: boolean, trust: ServerTrust, silentMs: number): http.Agent {
  if (!secure) return new http.Agent({ keepAlive: true });
  if (trust.kind === "fingerprint") return new PinningAgent(trust.sha256, silentMs);
  return new https.Agent({ keepAlive: true, ...(trust.kind === "ca" ? { ca: trust.pem } : {}) });
}

/**
 * Accepts one certificate, whoever signed it and whatever name it has: TLS proves that the server holds its key. Nothing
 * is sent before it was compared.
 */
class PinningAgent extends https.Agent {
  readonly #sha256: string;
  readonly #silentMs: number;

  constructor(sha256: string, silentMs: number) {
    super({ keepAlive: true, maxCachedSessions: 0 });
    this.#sha256 = sha256;
    this.#silentMs = silentMs;
  }

  override createConnection(
    options: ConnectionOptions,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    const socket = connectTls({ ...options, rejectUnauthorized: false });
    const fail = (error: Error) => done?.(error, socket);
    socket.setTimeout(this.#silentMs, () => socket.destroy(timedOut()));
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      const found = fingerprintOf(socket);
      if (found !== this.#sha256) {
        socket.destroy(otherCertificate(found, this.#sha256));
        return;
      }
      socket.off("error", fail).setTimeout(0);
      done?.(null, socket);
    });
    return undefined;
  }
}

/** An error as the system gives it for a connection that nobody answers. */
export function timedOut(): Error {
  return Object.assign(new Error("no answer for too long"), { code: "ETIMEDOUT" });
}

function fingerprintOf(socket: TLSSocket): string {
  return socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase() ?? "no certificate";
}

/** Hexadecimal digits with or without colons, and whatever openssl prints before them. */
function parseFingerprint(text: string): string {
  const digits = text
    .replace(/^.*[=\s]/, "")
    .replace(/^sha-?256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new AnabranchError({
    code: "usage/fingerprint",
    message: "--fingerprint is not a SHA-256 fingerprint",
    received: JSON.stringify(text),
    expected: "64 hexadecimal digits, with or without colons",
    advice: "Copy the fingerprint that anabranch serve prints.",
  });
}

async function readPem(path: string): Promise<string> {
  let pem = "";
  let cause: unknown;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    cause = error;
  }
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new AnabranchError({
    code: "usage/ca",
    message: cause === undefined ? "the file holds no certificate" : "the file of certificates cannot be read",
    where: path,
    ...(cause instanceof Error ? { received: cause.message } : {}),
    expected: "certificates as PEM: -----BEGIN CERTIFICATE-----",
    ...(cause === undefined ? {} : { cause }),
  });
}

function otherCertificate(found: string, pinned: string): AnabranchError {
  return new AnabranchError({
    code: "live/certificate",
    message: "the server has another certificate than the one with this fingerprint",
    received: found,
    expected: pinned,
    advice: "Ask the operator whether the certificate was renewed. If not, somebody else answers at this address.",
  });
}
