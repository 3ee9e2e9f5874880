import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { decodeImage } from "./image.ts";
import { readImageFolder } from "./image-folder.ts";

function png(width: number, height: number, channels: number, data: number[], depth: 8 | 16 = 8): Uint8Array {
  return encode({
    width,
    height,
    channels,
    depth,
    data: depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data),
  });
}

describe("decodeImage", () => {
  it("orders PNG colours by plane and drops transparency", async () => {
    const file = png(2, 1, 4, [10, 20, 30, 255, 40, 50, 60, 0]);
    const image = await decodeImage(file, 3, "x.png");
    expect([...image.data]).toEqual([10, 40, 20, 50, 30, 60]);
    expect(image).toMatchObject({ channels: 3, height: 1, width: 2 });
  });

  it("makes grey from colour, colour from grey, and bytes from 16 bits", async () => {
    expect([...(await decodeImage(png(1, 1, 3, [255, 255, 255]), 1, "x")).data]).toEqual([255]);
    // (77 * 100 + 150 * 50 + 29 * 200 + 128) / 256 = 82.5...
    expect([...(await decodeImage(png(1, 1, 3, [100, 50, 200]), 1, "x")).data]).toEqual([82]);
    expect([...(await decodeImage(png(1, 1, 1, [9]), 3, "x")).data]).toEqual([9, 9, 9]);
    expect([...(await decodeImage(png(1, 1, 1, [0xab12], 16), 1, "x")).data]).toEqual([0xab]);
  });

  it("reads JPEG", async () => {
    const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => [200, 100, 50, 255][i % 4]!);
    const file = Uint8Array.from(jpeg.encode({ width: 16, height: 16, data }, 95).data);
    const image = await decodeImage(file, 3, "x.jpg");
    expect(image.data.length).toBe(3 * 256);
    for (const [plane, value] of [200, 100, 50].entries()) {
      expect(Math.abs(image.data[plane * 256 + 100]! - value)).toBeLessThan(6);
    }
  });

  it("unpacks grey of less than 8 bits", async () => {
    const file = encode({ width: 9, height: 2, channels: 1, depth: 1, data: Uint8Array.of(0b10100000, 0x80, 0, 0) });
    expect([...(await decodeImage(file, 1, "x")).data]).toEqual([255, 0, 255, 0, 0, 0, 0, 0, 255, ...Array(9).fill(0)]);
  });

  it("names the file that is no image or is broken", async () => {
    await expect(decodeImage(Uint8Array.of(71, 73, 70), 3, "a.gif")).rejects.toThrow(/a\.gif.*47 49 46/);
    const cut = png(4, 4, 3, new Array(48).fill(7)).subarray(0, 40);
    await expect(decodeImage(cut, 3, "b.png")).rejects.toMatchObject({ code: "data/image" });
  });
});

describe("readImageFolder", () => {
  const file = (path: string, value: number) => ({ path, bytes: png(2, 2, 1, new Array(4).fill(value)) });

  it("takes classes from folders, in order of path", async () => {
    const files = [file("set/dog/1.png", 3), file("set/cat/2.png", 2), file("set/cat/1.png", 1)];
    const dataset = await readImageFolder(files, { name: "pets", channels: 1 });
    expect(dataset.features).toMatchObject({ dtype: "uint8", shape: [3, 1, 2, 2] });
    expect([0, 4, 8].map((at) => dataset.features.data[at])).toEqual([1, 2, 3]);
    expect([...dataset.labels.data]).toEqual([0, 0, 1]);
    expect(dataset.classNames).toEqual(["cat", "dog"]);
  });

  it("takes owners from the folders above, below train and test too", async () => {
    const files = ["north/cat/1.png", "north/dog/1.png", "south/cat/1.png"].map((path, i) => file(path, i));
    const dataset = await readImageFolder(files, { name: "pets", channels: 1 });
    expect([dataset.groups, dataset.groupNames]).toEqual([Int32Array.of(0, 0, 1), ["north", "south"]]);
    const below = files.map(({ path, bytes }) => ({ path: `test/${path}`, bytes }));
    expect((await readImageFolder(below, { name: "pets" })).groupNames).toEqual(["north", "south"]);
    const plain = [file("train/cat/1.png", 1), file("train/dog/1.png", 2)];
    expect((await readImageFolder(plain, { name: "pets" })).groups).toBeUndefined();
  });

  it("scales images of any size to one", async () => {
    const wide = { path: "cat/2.png", bytes: png(4, 2, 1, [0, 2, 10, 20, 4, 6, 30, 40]) };
    const size = { width: 2, height: 1 };
    const dataset = await readImageFolder([file("dog/1.png", 9), wide], { name: "pets", channels: 1, size });
    expect(dataset.features).toEqual({ dtype: "uint8", shape: [2, 1, 1, 2], data: Uint8Array.of(3, 25, 9, 9) });
  });

  it("refuses mixed sizes, loose files and empty folders", async () => {
    const wide = { path: "cat/2.png", bytes: png(3, 2, 1, new Array(6).fill(0)) };
    await expect(readImageFolder([file("cat/1.png", 0), wide], { name: "pets" })).rejects.toThrow(
      /cat\/2\.png.*3 x 2.*add size=2x2/,
    );
    await expect(readImageFolder([file("1.png", 0)], { name: "pets" })).rejects.toMatchObject({
      code: "data/image-class",
    });
    await expect(readImageFolder([], { name: "pets" })).rejects.toMatchObject({ code: "data/empty" });
  });
});
