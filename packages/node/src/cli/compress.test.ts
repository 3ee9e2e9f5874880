import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-compress-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function model(name: string, tensors: Parameters<typeof encodeSafetensors>[0]): Promise<string> {
  const file = join(folder, `${name}.safetensors`);
  await writeFile(file, encodeSafetensors(tensors, {}));
  return file;
}

const floats = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });
const compress = (...args: string[]) => callCommand("compress", ...args, "--runs", join(folder, "runs"));

async function json(...args: string[]) {
  const { code, stdout, stderr } = await compress(...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe("compress", () => {
  it("measures chains on the values of a file", async () => {
    const file = await model("plain", { b: floats(0, -3), a: floats(4, 0) });
    const { values, bytes, codecs } = await json(file, "--codec", "top-k density=0.25", "--codec", "sign");
    expect({ values, bytes }).toEqual({ values: 4, bytes: 16 });
    // of 4, 0, 0, -3 the 4 arrives: the error is 3 of 5; 4 bytes and a bitmap
    expect(codecs[0]).toEqual({ codec: "top-k density=0.25", bytes: 5, ratio: 3.2, relativeError: 0.6, cosine: 0.8 });
    expect(codecs[1]).toMatchObject({ bytes: 5, ratio: 3.2 });
    expect(codecs[1].relativeError).toBeCloseTo(Math.sqrt((2.25 ** 2 + 2 * 1.75 ** 2 + 1.25 ** 2) / 25), 12);
  });

  it("measures the difference to another file", async () => {
    const after = await model("after", { a: floats(4, 1, 1, -3) });
    const before = await model("before", { a: floats(0, 1, 1, 0) });
    const { codecs } = await json(after, "--minus", before, "--codec", "top-k density=0.25 + nf4");
    expect(codecs[0]).toMatchObject({ relativeError: 0.6 });
    const { codecs: own } = await json(after, "--minus", after, "--codec", "sign");
    expect(own[0]).toMatchObject({ relativeError: 0, cosine: null });
  });

  it("prints the usual operators as a table", async () => {
    const values = Array.from({ length: 3000 }, (_, i) => Math.sin(i) ** 5);
    const { code, stdout } = await compress(await model("waves", { a: floats(...values) }), "--scope", "layer");
    expect(code).toBe(0);
    expect(stdout).toMatch(/waves\.safetensors: 3,000 values, 12\.0 kB/);
    expect(stdout).toMatch(/^codec +bytes +ratio +relative error +cosine$/m);
    expect(stdout).toMatch(/^sign +383 B +31\.3x +0\.\d+ +0\.\d{4}$/m);
    expect(stdout).toMatch(/^fedzip keep=0\.1 /m);
  });

  it.each([
    ["an unknown operator", ["FILE", "--codec", "gzip"], "compression/operator", /no operator of this name/],
    ["a chain that ends twice", ["FILE", "--codec", "sign + nf4"], "compression/chain", /sign writes bits/],
    ["no such file", ["none.safetensors"], "compression/file", /the model cannot be read/],
    ["another model", ["FILE", "--minus", "OTHER"], "compression/layout", /no difference/],
    ["integers alone", ["INTEGERS"], "compression/file", /none of floats/],
    ["values that are not finite", ["INFINITE"], "compression/values", /not finite/],
    [
      "a difference that is not finite",
      ["LARGE", "--minus", "NEGATIVE"],
      "compression/values",
      /minus\s[^,]+negative\.safetensors, a/,
    ],
    ["an unknown scope", ["FILE", "--scope", "row"], "usage/invalid-value", /choices are model/],
  ])("refuses %s", async (_what, args, errorCode, text) => {
    const files: Record<string, string> = {
      FILE: await model("file", { a: floats(1, 2) }),
      OTHER: await model("other", { a: floats(1, 2, 3) }),
      INTEGERS: await model("integers", { a: { shape: [2], data: Uint8Array.of(1, 2) } }),
      LARGE: await model("large", { a: floats(1, 3e38) }),
      NEGATIVE: await model("negative", { a: floats(1, -3e38) }),
      INFINITE: await model("infinite", { a: floats(1, Number.POSITIVE_INFINITY) }),
    };
    const { code, stderr } = await compress(...args.map((arg) => files[arg] ?? arg));
    expect(code).toBe(2);
    expect(stderr).toContain(errorCode);
    expect(stderr).toMatch(text);
  });

  it("refuses a damaged file and a run that does not exist by their own codes", async () => {
    const file = join(folder, "damaged.safetensors");
    await writeFile(file, "no header");
    expect(await compress(file)).toMatchObject({ code: 3, stderr: expect.stringContaining("safetensors/") });
    expect(await compress("last")).toMatchObject({ code: 4 });
  });
});
