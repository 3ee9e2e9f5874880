import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/**
 * A self-signed X.509 certificate (RFC 5280) with a P-256 key, for trials. Node reads certificates but makes none, and the
 * few structures that one takes are these; a library for it would bring twenty others.
 *
 * @param names host names and IP addresses that it is for
 * @param days that it is valid from `from` on
 */
export function selfSigned(
  names: readonly string[],
  from: Date,
  days: number,
): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const until = new Date(from.getTime() + days * 86_400_000);
  // a day back: the clocks of clients may be behind, often by hours of a wrong time zone
  const validity = sequence(time(new Date(from.getTime() - 86_400_000)), time(until));
  const name = sequence(set(sequence(objectId("2.5.4.3"), tagged(0x0c, Buffer.from("Anabranch trial")))));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and of full length
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, serial),
    signatureAlgorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(alternativeNames(names), notAnAuthority, serverUse)),
  );
  const signature = sign("sha256", body, privateKey);
  const der = sequence(body, signatureAlgorithm, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  return { cert: pem(der), key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | size.length), size, content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(...parts: readonly Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(parts));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** UTCTime, which two digits of a year are enough for until 2049. */
function time(date: Date): Buffer {
  return tagged(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
}

const signatureAlgorithm = sequence(objectId("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), tagged(0x04, value));
}

function alternativeNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 0 ? tagged(0x82, Buffer.from(name, "latin1")) : tagged(0x87, addressBytes(name)),
  );
  return extension("2.5.29.17", sequence(...entries));
}

const notAnAuthority = extension("2.5.29.19", sequence());
const serverUse = extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1")));

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const all = tail === undefined ? before : [...before, ...zeros, ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
