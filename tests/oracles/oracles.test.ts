import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { algorithms } from "../../packages/core/src/algorithms/registry.ts";
import { HETEROGENEOUS } from "../../packages/core/src/conformance/heterogeneous.ts";
import { CLASSIFIED } from "../../packages/core/src/conformance/testing/classified.ts";
import { filesBelow, readSource, readText, resolveImport } from "../source-files.ts";
import { direction, threefry } from "./draws.ts";
import { deriveCase, type GoldenCase } from "./golden-cases.ts";
import { derive, type GoldenTraces, oracles } from "./index.ts";
import {
  asMatrix,
  composed,
  eigen,
  identity,
  type Matrix,
  newtonSchulz,
  orthonormal,
  product,
  solved,
  transposed,
  truncated,
} from "./plain.ts";

const TOLERANCE = 1e-9;
const read = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");
const golden: GoldenTraces = JSON.parse(read("golden-traces.json"));
const cases: readonly GoldenCase[] = JSON.parse(read("golden.json"));
const methods = algorithms.map(({ name }) => name);
/** Methods that the README calls otherwise. */
const inReadme: Readonly<Record<string, string>> = {
  local: "local optimizers",
  rerce: "rerce-fed",
  perfedavg: "per-fedavg",
  fedpub: "fed-pub",
  "diff2-bvr-l-sgd": "both forms of diff2",
  "streaming-diloco": "streaming diloco",
  onebyte: "just one byte",
  "adaptive-clusters": "adaptive clusters",
};

describe("constants", () => {
  it.each(
    golden.traces.map((trace) => [titleOf(trace), trace] as const),
  )("of %s are what the oracle derives", (_title, trace) => {
    const rounds = derive(golden, trace);
    expect(shapeOf(rounds)).toEqual(shapeOf(trace.rounds));
    expect(distance(rounds, trace.rounds)).toBeLessThan(TOLERANCE);
  });

  it.each(cases.map((one) => [one.id, one] as const))("of %s are what the oracle derives", (_id, one) => {
    const output = deriveCase(one);
    expect(shapeOf(output)).toEqual(shapeOf(one.expected));
    expect(distance(output, one.expected)).toBeLessThan(TOLERANCE);
  });
});

describe("coverage", () => {
  it.each(methods)("%s has an oracle and a golden trace", (name) => {
    expect(Object.keys(oracles), `add a program for ${name} to tests/oracles and list it in index.ts`).toContain(name);
    const traced = golden.traces.map(({ algorithm }) => algorithm.name);
    const advice = `add {"algorithm": {"name": "${name}", ...}, "problem": "vector", "rounds": [...]} to tests/fixtures/golden-traces.json, with the rounds that \`node tests/oracles/derive.ts ${name}\` prints`;
    expect(traced, advice).toContain(name);
  });

  // METHODS.md is generated from the registry, and packages/node/src/docs tests that it is current
  it.each(methods)("%s is in the README's list of methods", (name) => {
    const [, list] = /^- \*\*Methods\*\*(.*?)^- \*\*/ms.exec(readText("README.md"))!;
    const word = (inReadme[name] ?? name).replaceAll("+", "\\+");
    const text = list!.toLowerCase().replace(/\s+/g, " ");
    expect(text, `list ${name} in README.md`).toMatch(new RegExp(`(?<![\\w+-])${word}(?![\\w+-])`));
  });

  it("has no oracles of methods that are gone", () => {
    expect(Object.keys(oracles).filter((name) => !methods.includes(name))).toEqual([]);
  });
});

describe("independence", () => {
  it("programs import nothing but each other and what Node brings", () => {
    const programs = filesBelow("tests/oracles").filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
    expect(programs.length).toBeGreaterThan(10);
    const allowed = (path: string) => path.startsWith("node:") || path.startsWith("tests/oracles/");
    const foreign = programs.map(readSource).flatMap(({ path, imports }) =>
      imports
        .map(({ specifier }) => resolveImport(path, specifier))
        .filter((target) => !allowed(target))
        .map((target) => `${path}: ${target}`),
    );
    expect(foreign).toEqual([]);
  });

  it("the problems of the traces are those of the conformance checks", () => {
    expect(golden.problems["vector"]).toEqual(HETEROGENEOUS);
    expect(golden.problems["points"]).toEqual(CLASSIFIED);
  });
});

describe("plain linear algebra", () => {
  const tall: Matrix = [
    [3, -1, 0.5],
    [2, 4, -2],
    [0, 1, 1],
    [-1, 0.5, 2],
  ];
  const gram = product(transposed(tall), tall);

  it("finds eigenvectors that rebuild a symmetric matrix", () => {
    const { values, vectors } = eigen(gram);
    expect(distance(composed(vectors, values), gram)).toBeLessThan(1e-12);
    expect(distance(product(transposed(vectors), vectors), identity(3))).toBeLessThan(1e-12);
    expect(values).toEqual([...values].sort((a, b) => b - a));
  });

  it("makes columns orthonormal and keeps the space of each leading part", () => {
    const q = orthonormal(gram);
    expect(distance(product(transposed(q), q), identity(3))).toBeLessThan(1e-12);
    const triangular = product(transposed(q), gram);
    expect(Math.max(...[triangular[1]![0]!, triangular[2]![0]!, triangular[2]![1]!].map(Math.abs))).toBeLessThan(1e-12);
  });

  it("truncates to the largest singular values: the error is what the others hold", () => {
    const error = asMatrix(
      tall.flat().map((value, j) => value - truncated(tall, 2).flat()[j]!),
      3,
    );
    const smallest = eigen(gram).values[2]!;
    expect(product(transposed(error), error).reduce((sum, row, i) => sum + row[i]!, 0)).toBeCloseTo(smallest, 12);
  });

  it("solves systems", () => {
    expect(distance(solved([[4, 1], [1, 3]], [6, 7]), [1, 2])).toBeLessThan(1e-12); // biome-ignore format: a system
  });

  it("takes singular values through Muon's polynomial", () => {
    const iterated = (s: number) => {
      let value = s;
      for (let i = 0; i < 5; i++) value = 3.4445 * value - 4.775 * value ** 3 + 2.0315 * value ** 5;
      return value;
    };
    const size = Math.hypot(3, 1) + 1e-7;
    expect(distance(newtonSchulz([[3, 0], [0, 1], [0, 0]]), [[iterated(3 / size), 0], [0, iterated(1 / size)], [0, 0]])).toBeLessThan(1e-12); // biome-ignore format: matrices
  });
});

describe("plain draws", () => {
  // Random123 1.14, tests/kat_vectors: key, counter, output
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)("are Threefry's: %o at %o", (key, counter, words) => {
    expect(threefry(key, counter)).toEqual(words);
  });

  it.each([
    ["rademacher", 1],
    ["binomial", 1],
    ["uniform", 1 / 3],
  ] as const)("of %s have its variance", (family, variance) => {
    const z = direction(family, 1, [0], 2000);
    expect(Math.abs(z.reduce((sum, value) => sum + value, 0) / z.length)).toBeLessThan(0.1);
    expect(Math.abs(z.reduce((sum, value) => sum + value * value, 0) / z.length - variance)).toBeLessThan(0.1);
  });
});

/** Numbers in arrays and objects, in order. */
function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

/** The same with every number taken for 0: names and lengths. */
function shapeOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, part: unknown) => (typeof part === "number" ? 0 : part)));
}

/** Largest error, over the larger of 1 and the expected number. */
function distance(got: unknown, expected: unknown): number {
  const numbers = numbersOf(got);
  const errors = numbersOf(expected).map((value, i) => Math.abs(numbers[i]! - value) / Math.max(1, Math.abs(value)));
  return Math.max(...errors);
}

function titleOf({ algorithm, problem, changes }: GoldenTraces["traces"][number]): string {
  return `${JSON.stringify(algorithm)} on ${problem}${changes === undefined ? "" : ` with ${JSON.stringify(changes)}`}`;
}
