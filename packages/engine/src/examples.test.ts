import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";

it("examples/mlp.ts learns XOR", async () => {
  // a fixed sequence in place of Math.random, so that the test always sees the same start
  let draws = 0;
  const random = vi.spyOn(Math, "random").mockImplementation(() => Math.abs(Math.sin(++draws * 12.9898) * 43758.5) % 1);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/mlp.ts");
  const lines = log.mock.calls.map(([line]) => String(line));
  log.mockRestore();
  random.mockRestore();
  expect(lines.map((line) => line.split(":")[0])).toEqual([100, 200, 300, 400, 500].map((i) => `step ${i}`));
  expect(Number(lines[4]!.split(" ").at(-1))).toBeLessThan(0.05);
});

it("the README shows the example as it is", () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  expect(read("../README.md")).toContain(read("../examples/mlp.ts"));
});
