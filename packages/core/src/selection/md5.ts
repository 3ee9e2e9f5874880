/** Rotations of the four rounds. */
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** floor(2^32 |sin(k + 1)|), k = 0 ... 63. */
const CONSTANTS = Uint32Array.from(
  (
    "d76aa478e8c7b756242070dbc1bdceeef57c0faf4787c62aa8304613fd469501698098d88b44f7afffff5bb1895cd7be6b901122fd987193a679438e49b40821" +
    "f61e2562c040b340265e5a51e9b6c7aad62f105d02441453d8a1e681e7d3fbc821e1cde6c33707d6f4d50d87455a14eda9e3e905fcefa3f8676f02d98d2a4c8a" +
    "fffa39428771f6816d9d6122fde5380ca4beea444bdecfa9f6bb4b60bebfbc70289b7ec6eaa127fad4ef308504881d05d9d4d039e6db99e51fa27cf8c4ac5665" +
    "f4292244432aff97ab9423a7fc93a039655b59c38f0ccc92ffeff47d85845dd16fa87e4ffe2ce6e0a30143144e0811a1f7537e82bd3af2352ad7d2bbeb86d391"
  )
    .match(/.{8}/g)!
    .map((word) => Number.parseInt(word, 16)),
);

/**
 * MD5 of a text in UTF-8, as 32 hex digits. It puts names in an order that all nodes agree on; it protects nothing.
 *
 * Reference: R. Rivest, "The MD5 Message-Digest Algorithm", RFC 1321, 1992.
 *
 * @example md5("abc") // "900150983cd24fb0d6963f7d28e17f72"
 */
export function md5(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, bytes.length << 3, true);
  view.setUint32(padded.length - 4, Math.floor(bytes.length / 2 ** 29), true);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += 64) addBlock(state, view, at);
  const out = new DataView(new ArrayBuffer(16));
  for (const [i, word] of state.entries()) out.setUint32(4 * i, word, true);
  return Array.from(new Uint8Array(out.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function addBlock(state: Uint32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let k = 0; k < 64; k++) {
    const round = k >> 4;
    const [mixed, word] = step(round, k, b, c, d);
    const sum = (a + mixed + CONSTANTS[k]! + view.getUint32(at + 4 * word, true)) | 0;
    const turn = ROTATIONS[round]![k % 4]!;
    [a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0];
  }
  for (const [i, value] of [a, b, c, d].entries()) state[i]! += value;
}

/** The mixed words of a step, and the place of the message word that it adds. */
function step(round: number, k: number, b: number, c: number, d: number): readonly [number, number] {
  if (round === 0) return [(b & c) | (~b & d), k];
  if (round === 1) return [(d & b) | (~d & c), (5 * k + 1) % 16];
  return round === 2 ? [b ^ c ^ d, (3 * k + 5) % 16] : [c ^ (b | ~d), (7 * k) % 16];
}
