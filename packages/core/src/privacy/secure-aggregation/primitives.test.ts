import { ctr } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { bestCurves, identityPublicKey, platformCurves, portableCurves } from "./curves.ts";
import { open, pairMaskKey, seal, seedCommitment, selfMaskKey } from "./keys.ts";
import { addMasks, keystream, webKeystream } from "./keystream.ts";
import { checkOnCurve, checkPublicKey } from "./public-key.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");
const refusal = (code: string) => expect.objectContaining({ code: `secure-aggregation/${code}` });

describe.each([platformCurves(), portableCurves()])("$name curves", (curves) => {
  it("are X25519 (RFC 7748, sections 5.2 and 6.1)", async () => {
    const scalar = bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    const u = bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    expect(hex(await curves.sharedSecret(scalar, u))).toBe(
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    );
    const alice = bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const bob = bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const publicAlice = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    const publicBob = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    expect(hex(await curves.publicKey(alice))).toBe(publicAlice);
    expect(hex(await curves.publicKey(bob))).toBe(publicBob);
    expect(hex(await curves.sharedSecret(alice, bytes(publicBob)))).toBe(shared);
    expect(hex(await curves.sharedSecret(bob, bytes(publicAlice)))).toBe(shared);
  });

  it("are Ed25519 (RFC 8032, section 7.1, tests 1 and 2)", async () => {
    const cases = [
      {
        secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        message: "",
        signature:
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
      },
      {
        secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        message: "72",
        signature:
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
      },
    ];
    for (const { secret, publicKey, message, signature } of cases) {
      expect(hex(identityPublicKey(bytes(secret)))).toBe(publicKey);
      expect(hex(await curves.sign(bytes(secret), bytes(message)))).toBe(signature);
      expect(await curves.verify(bytes(publicKey), bytes(message), bytes(signature))).toBe(true);
      expect(await curves.verify(bytes(publicKey), bytes("7273"), bytes(signature))).toBe(false);
    }
    expect(await curves.verify(new Uint8Array(32).fill(255), bytes("72"), new Uint8Array(64))).toBe(false);
  });

  it("refuse public keys of small order and unreduced ones", async () => {
    const secret = new Uint8Array(32).fill(5);
    const bad = [
      ...["00".repeat(32), `01${"00".repeat(31)}`, `ec${"ff".repeat(30)}7f`, `ed${"ff".repeat(30)}7f`, "ff".repeat(32)],
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      // Of RFC 7748, section 5.2, second vector: top bit set, so not reduced.
      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    ];
    // The library, unlike these functions, takes unreduced coordinates mod 2^255 - 19; small order it refuses too.
    for (const key of bad.slice(0, 7)) {
      if (key !== "ff".repeat(32)) expect(() => x25519.getSharedSecret(secret, bytes(key))).toThrow();
    }
    for (const key of bad) await expect(curves.sharedSecret(secret, bytes(key))).rejects.toThrow(refusal("public-key"));
    await expect(curves.sharedSecret(secret, new Uint8Array(31))).rejects.toThrow(refusal("public-key"));
  });
});

describe("keys", () => {
  it("come from the platform's curves where it has them", async () => {
    expect((await bestCurves()).name).toBe("platform");
  });

  it("of the twist are told from keys of the curve", () => {
    // u = 9 is the base point; u = 2 lies on the twist: 8 + 486662 * 4 + 2 is no square mod 2^255 - 19.
    expect(() => checkOnCurve(bytes(`09${"00".repeat(31)}`), "here")).not.toThrow();
    expect(() => checkPublicKey(bytes(`02${"00".repeat(31)}`), "here")).not.toThrow();
    expect(() => checkOnCurve(bytes(`02${"00".repeat(31)}`), "here")).toThrow(refusal("public-key"));
  });

  it("are derived by HKDF-SHA-256 (RFC 5869, test case 1)", () => {
    const info = bytes("f0f1f2f3f4f5f6f7f8f9");
    const output = hkdf(sha256, new Uint8Array(22).fill(11), bytes("000102030405060708090a0b0c"), info, 42);
    expect(hex(output)).toBe("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  });

  it("differ by purpose, session and clients, and agree on both sides of a pair", () => {
    const secret = new Uint8Array(32).fill(1);
    const [one, other] = [new Uint8Array(32), new Uint8Array(32).fill(9)];
    expect(hex(pairMaskKey(secret, one, 4, 7))).toBe(hex(pairMaskKey(secret, one, 7, 4)));
    const all = [pairMaskKey(secret, one, 4, 7), pairMaskKey(secret, other, 4, 7), pairMaskKey(secret, one, 4, 8)];
    all.push(selfMaskKey(secret, one, 4), selfMaskKey(secret, one, 7), seedCommitment(secret, one, 4));
    expect(new Set(all.map(hex)).size).toBe(6);
  });
});

describe("seals", () => {
  it("are ChaCha20-Poly1305 (RFC 8439, section 2.8.2)", () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const cipher = chacha20poly1305(key, bytes("070000004041424344454647"), bytes("50515253c0c1c2c3c4c5c6c7"));
    expect(hex(cipher.encrypt(new TextEncoder().encode(text)))).toBe(
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29" +
        "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116" +
        "1ae10b594f09e26a7e902ecbd0600691",
    );
  });

  it("open for the one they are for, in the round they are of, and unchanged", () => {
    const [shared, session] = [new Uint8Array(32).fill(3), new Uint8Array(32).fill(4)];
    const box = seal(shared, session, 1, 2, bytes("0102030405"));
    expect(hex(open(shared, session, 1, 2, box))).toBe("0102030405");
    expect(() => open(shared, session, 2, 1, box)).toThrow(refusal("sealed"));
    expect(() => open(shared, shared, 1, 2, box)).toThrow(refusal("sealed"));
    expect(() => open(session, session, 1, 2, box)).toThrow(refusal("sealed"));
    for (let i = 0; i < box.length; i++) {
      const changed = box.slice();
      changed[i]! ^= 1;
      expect(() => open(shared, session, 1, 2, changed)).toThrow(refusal("sealed"));
    }
  });
});

describe("mask expansion", () => {
  it("rests on AES-128-CTR of the platform (NIST SP 800-38A, F.5.1)", async () => {
    const key = bytes("2b7e151628aed2a6abf7158809cf4f3c");
    const imported = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
    const algorithm = { name: "AES-CTR", counter: bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), length: 64 };
    const plain = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    const cipher = new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plain));
    expect(hex(cipher)).toBe("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
  });

  it("starts at counter 0: AES of the zero block under the zero key is 66e94bd4... (GCM, test case 1)", async () => {
    const words = await keystream(new Uint8Array(16), 0, 4);
    expect(hex(new Uint8Array(words.buffer))).toBe("66e94bd4ef8a2c3b884cfa59ca342b2e");
  });

  it("is the keystream of an independent implementation, across blocks, from any start and for odd lengths", async () => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => 7 * i);
    const count = (1 << 17) + 4099;
    const reference = ctr(key, new Uint8Array(16)).encrypt(new Uint8Array(4 * count));
    const words = new Uint32Array(reference.slice().buffer);
    expect(await keystream(key, 0, count)).toEqual(words);
    expect(await keystream(key, 131068, 30)).toEqual(words.slice(131068, 131098));
    const web = await webKeystream(key, 131068);
    for (const [from, n] of [
      [131068, 12],
      [131080, 18],
    ] as const) {
      expect(new Uint32Array((await web(n)).buffer)).toEqual(words.slice(from, from + n));
    }
    const vector = new Int32Array(count).fill(5);
    await addMasks(vector, [{ key, sign: 1 }]);
    expect(new Uint32Array(vector.buffer)).toEqual(words.map((word) => word + 5));
    await addMasks(vector, [
      { key, sign: -1 },
      { key: new Uint8Array(16), sign: 1 },
      { key: new Uint8Array(16), sign: -1 },
    ]);
    expect(vector).toEqual(new Int32Array(count).fill(5));
  });

  it("adds and takes away any number of masks, as one by one", async () => {
    const terms = Array.from(
      { length: 13 },
      (_, i) => ({ key: new Uint8Array(16).fill(i), sign: i % 3 === 0 ? -1 : 1 }) as const,
    );
    const count = (1 << 17) + 5;
    const [together, apart] = [new Int32Array(count), new Int32Array(count)];
    await addMasks(together, terms);
    for (const { key, sign } of terms) {
      const words = await keystream(key, 0, count);
      for (let i = 0; i < count; i++) apart[i] = (apart[i]! + sign * words[i]!) | 0;
    }
    expect(together).toEqual(apart);
  });
});
