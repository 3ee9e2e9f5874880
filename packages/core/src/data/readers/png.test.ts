import fc from "fast-check";
import { convertIndexedToRgb, decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePng } from "./png.ts";
import { pngFile } from "./testing/png-file.ts";

const channelsOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const size = fc.integer({ min: 1, max: 9 });
const image = fc
  .record({
    width: size,
    height: size,
    interlaced: fc.boolean(),
    kind: fc.constantFrom(
      [0, 1],
      [0, 2],
      [0, 4],
      [0, 8],
      [0, 16],
      [2, 8],
      [2, 16],
      [3, 1],
      [3, 4],
      [3, 8],
      [4, 8],
      [6, 16],
    ),
    noise: fc.infiniteStream(fc.nat(255)),
  })
  .map(({ kind: [colour, depth], ...rest }) => ({ ...rest, colour: colour!, depth: depth! }));

const steps = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Columns and rows of the images that an interlaced one consists of, or of the one image. */
function passes(width: number, height: number, interlaced: boolean): [columns: number, rows: number][] {
  if (!interlaced) return [[width, height]];
  return steps
    .map(([x, y, dx, dy]): [number, number] => [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)])
    .filter(([columns, rows]) => columns > 0 && rows > 0);
}

/** Rows of noise with filters of all kinds: any bytes are an image. */
function noisyRows({
  width,
  height,
  interlaced,
  colour,
  depth,
  noise,
}: typeof image extends fc.Arbitrary<infer T> ? T : never) {
  const next = () => noise.next().value;
  const rows = passes(width, height, interlaced).flatMap(([columns, count]) =>
    Array.from({ length: count }, () => {
      const length = Math.ceil((columns * channelsOf[colour]! * depth) / 8);
      return [next() % 5, ...Array.from({ length }, next)];
    }),
  );
  return Uint8Array.from(rows.flat());
}

describe("decodePng", () => {
  it("agrees with another decoder on all colour types, depths, filters and interlacing", () => {
    fc.assert(
      fc.property(image, (parts) => {
        // The other decoder cannot interlace samples of less than 8 bits.
        fc.pre(!(parts.interlaced && parts.depth < 8));
        const palette = parts.colour === 3 ? Uint8Array.from({ length: 768 }, (_, i) => (i * 7) % 256) : undefined;
        const file = pngFile({ ...parts, raw: noisyRows(parts), ...(palette && { palette }) });
        const expected = decode(file);
        const ours = decodePng(file, "t");
        expect([ours.width, ours.height]).toEqual([parts.width, parts.height]);
        if (palette !== undefined) expect(ours.data).toEqual(convertIndexedToRgb(expected));
        else if (parts.depth === 16) expect(ours.data).toEqual(Uint8Array.from(expected.data, (each) => each >>> 8));
        else if (parts.depth === 8) expect(ours.data).toEqual(Uint8Array.from(expected.data));
        else expect(ours.data.length).toBe(parts.width * parts.height);
      }),
      { numRuns: 500 },
    );
  });

  it("puts interlaced samples of one bit where they belong", () => {
    const [width, height] = [11, 6];
    const pixel = (x: number, y: number) => (x * 3 + y * 5) % 2;
    const rows = steps.flatMap(([x, y, dx, dy]) => {
      const columns = Math.ceil((width - x) / dx);
      return Array.from({ length: Math.ceil((height - y) / dy) }, (_, row) => {
        const bytes = new Array<number>(Math.ceil(columns / 8)).fill(0);
        for (let i = 0; i < columns; i++) bytes[i >> 3]! |= pixel(x + i * dx, y + row * dy) << (7 - (i & 7));
        return [0, ...bytes];
      });
    });
    const file = pngFile({ width, height, depth: 1, interlaced: true, raw: Uint8Array.from(rows.flat()) });
    const expected = Array.from({ length: width * height }, (_, i) => 255 * pixel(i % width, Math.floor(i / width)));
    expect([...decodePng(file, "t").data]).toEqual(expected);
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    [
      "data of another length",
      () => pngFile({ width: 2, height: 2, raw: new Uint8Array(5) }),
      /5 bytes of data instead of 6/,
    ],
    ["data that go on", () => pngFile({ width: 1, height: 1, raw: new Uint8Array(3e7) }), /bytes of data instead of 2/],
    ["much more data", () => pngFile({ width: 1, height: 1, raw: new Uint8Array(9e7) }), /more than 2 bytes/],
    ["no pixels", () => pngFile({ width: 0, height: 9, raw: new Uint8Array(9) }), /0 x 9/],
    [
      "a colour that is not there",
      () => pngFile({ width: 1, height: 1, colour: 3, raw: Uint8Array.of(0, 1) }),
      /palette/,
    ],
    ["an unknown filter", () => pngFile({ width: 1, height: 1, raw: Uint8Array.of(5, 1) }), /filter type 5/],
    [
      "an impossible depth",
      () => pngFile({ width: 1, height: 1, colour: 2, depth: 4, raw: new Uint8Array(3) }),
      /4 bits/,
    ],
    ["an end too early", () => pngFile({ width: 1, height: 1, raw: new Uint8Array(2) }).subarray(0, -6), /ends/],
    ["no header", () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...new Uint8Array(40)), /header/],
  ])("refuses %s", (_, make, message) => {
    expect(() => decodePng(make(), "x.png")).toThrow(message);
  });

  it("refuses sizes beyond the limit before it takes memory, and leaves other chunks alone", () => {
    const vast = pngFile({ width: 60_000, height: 60_000, raw: new Uint8Array(10) });
    expect(() => decodePng(vast, "x.png")).toThrow(/x\.png.*60000 x 60000.*Scale the images down/);
    expect(() => decodePng(vast, "x.png")).toThrow(expect.objectContaining({ code: "data/too-large" }));
    const profile = pngFile({
      width: 1,
      height: 1,
      raw: Uint8Array.of(0, 7),
      extra: [["iCCP", new Uint8Array(50)]],
    });
    expect([...decodePng(profile, "x.png").data]).toEqual([7]);
  });
});
