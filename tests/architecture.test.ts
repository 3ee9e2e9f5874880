import { existsSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { describe, expect, it } from "vitest";
import { VERSION } from "../packages/core/src/version.ts";
import { importCycles } from "./import-cycles.ts";
import { filesBelow, readSource, readText, resolveImport, root, type SourceFile } from "./source-files.ts";

/**
 * The house as rules: ARCHITECTURE.md describes it. Every check lists what breaks it as "file: what", so that an empty
 * list is the whole house in order.
 */
const packages = ["engine", "core", "node", "dashboard"] as const;
type Package = (typeof packages)[number];

/** Packages of ours that each may import. */
const below: Readonly<Record<Package, readonly string[]>> = {
  engine: [],
  core: ["@anabranch/engine"],
  node: [
    "@anabranch/engine",
    "@anabranch/core",
    ...["conformance", "live", "readers", "threads"].map((entry) => `@anabranch/core/${entry}`),
  ],
  dashboard: ["@anabranch/engine", "@anabranch/core", "@anabranch/core/live"],
};

/**
 * Rooms from the lowest to the highest; a room imports from itself and from rooms below it. Rooms in one line know each
 * other: the terminal and the report show one history in two forms.
 */
const order: Readonly<Record<Package, readonly string[]>> = {
  engine: [
    "linalg",
    "onnx",
    "graph",
    "ops",
    "rewrite",
    "program",
    "autodiff",
    "nn",
    "optimizers",
    "executor",
    "testing",
  ],
  core: [
    "text",
    "random",
    "params",
    "codecs",
    "compression",
    "operators",
    "blackbox",
    "seeded",
    "data",
    "models",
    "adapters",
    "aggregation",
    "protocol",
    "privacy",
    "adversary",
    "selection",
    "topology",
    "gossip",
    "clustering",
    "heterogeneity",
    "submodels",
    "clock schedule",
    "coding",
    "config",
    "algorithms",
    "metrics",
    "pipeline",
    "round",
    "client",
    "simulation",
    "audit",
    "live",
    "golden",
    "conformance",
  ],
  node: [
    "store",
    "data",
    "docs",
    "report terminal",
    "log",
    "workers",
    "run",
    "audit",
    "explain",
    "client",
    "server",
    "dashboard",
    "sweep",
    "cli",
  ],
  dashboard: ["client", "view", "join run runs"],
};

/** Functions longer than 60 lines, each with what excuses it. */
const longFunctions: Readonly<Record<string, string>> = {
  "packages/core/src/random/threefry.ts: fillThreefry": "twenty rounds unrolled, for speed",
  "packages/core/src/simulation/prepare-trace.ts: prepareTrace": "mostly the literals of two plans",
};

/** Files that write to the terminal past terminal/terminal-text.ts, each with what excuses it. */
const terminalWriters: Readonly<Record<string, string>> = {
  "packages/node/src/cli/golden.ts": "its numbers as JSON",
  "packages/node/src/cli/main.ts": "the version, for which no other module is loaded",
  "packages/node/src/cli/trace.ts": "its numbers as JSON",
  "packages/node/src/docs/methods.ts": "the name of a file of the repository",
};

interface Manifest {
  readonly name: string;
  readonly version: string;
  /** The pages have none: nobody imports them. */
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Code for tests: what the build leaves out of the packages. */
const unpacked = (JSON.parse(readText("tsconfig.build.json")) as { exclude: string[] }).exclude;
const isTest = (path: string) => unpacked.some((pattern) => matchesGlob(path, pattern));

const manifests = Object.fromEntries(
  packages.map((name) => [name, JSON.parse(readText(`packages/${name}/package.json`)) as Manifest]),
) as Record<Package, Manifest>;
const sources = Object.fromEntries(
  packages.map((name) => {
    const files = filesBelow(`packages/${name}/src`).filter((path) => /(?<!\.d)\.tsx?$/.test(path) && !isTest(path));
    return [name, files.map(readSource)];
  }),
) as Record<Package, SourceFile[]>;
const all = packages.flatMap((name) => sources[name]);

/** Where execution begins: what the manifests export, the command, and what npm scripts run. */
const entries = [
  ...packages.flatMap((name) =>
    Object.values(manifests[name].exports ?? {}).map((path) => join("packages", name, `${path}`)),
  ),
  "packages/node/src/cli/main.ts",
  "packages/node/src/cli/golden.ts",
  "packages/node/src/cli/trace.ts",
  "packages/node/src/docs/methods.ts",
  "packages/dashboard/src/join/main.tsx",
  "packages/dashboard/src/run/main.tsx",
  "packages/dashboard/src/runs/main.tsx",
];

/** What can be imported of our packages, such as "@anabranch/core/live". */
const publicEntries = new Set(
  packages.flatMap((name) =>
    Object.keys(manifests[name].exports ?? {}).map((entry) => `@anabranch/${name}${entry.slice(1)}`),
  ),
);

/** The package that a specifier names. */
const packageOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];

/** Files of the repository that people read. */
const readable = [
  ...["packages", "bench", "examples", "scripts", "tests", "docs"].flatMap((folder) => filesBelow(folder)),
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "METHODS.md", "SECURITY.md", "package.json"].filter((path) =>
    existsSync(join(root, path)),
  ),
].filter((path) => /\.(tsx?|mjs|js|json|md|toml|py|csv|svg|html)$/.test(path));

/** Imports that break a rule, as "file: specifier". */
function offending(files: readonly SourceFile[], breaks: (specifier: string, file: SourceFile) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => breaks(specifier, file))
      .map(({ specifier }) => `${file.path}: ${specifier}`),
  );
}

describe("packages", () => {
  it.each(packages)("%s imports only packages of ours that lie below it, by name", (name) => {
    const strange = offending(sources[name], (specifier, file) =>
      specifier.startsWith(".")
        ? !resolveImport(file.path, specifier).startsWith(`packages/${name}/src/`)
        : specifier.startsWith("@anabranch/") &&
          !(below[name].includes(packageOf(specifier)) && publicEntries.has(specifier)),
    );
    expect(strange).toEqual([]);
  });

  it.each(packages)("%s declares every package it imports", (name) => {
    const { dependencies, peerDependencies } = manifests[name];
    const declared = { ...dependencies, ...peerDependencies };
    const foreign = (specifier: string) => !specifier.startsWith(".") && !specifier.startsWith("node:");
    expect(offending(sources[name], (specifier) => foreign(specifier) && !(packageOf(specifier) in declared))).toEqual(
      [],
    );
  });

  it("engine and core import nothing of Node", () => {
    const portable = [...sources.engine, ...sources.core];
    expect(offending(portable, (specifier) => specifier.startsWith("node:"))).toEqual([]);
  });

  it("only executors load an ONNX Runtime, and only when they are opened", () => {
    const loads = all.flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => specifier.startsWith("onnxruntime-")).map((found) => ({ path, ...found })),
    );
    expect(loads).toEqual([
      { path: "packages/engine/src/executor/onnxruntime-node.ts", specifier: "onnxruntime-node", dynamic: true },
      { path: "packages/engine/src/executor/onnxruntime-web.ts", specifier: "onnxruntime-web", dynamic: true },
    ]);
  });

  it("examples use what a user has", () => {
    const examples = filesBelow("examples").filter((path) => path.endsWith(".ts") && !isTest(path));
    const deep = (specifier: string, file: SourceFile) =>
      specifier.startsWith(".") && resolveImport(file.path, specifier).startsWith("packages/");
    expect(offending(examples.map(readSource), deep)).toEqual([]);
  });
});

describe("rooms", () => {
  it.each(packages)("of %s import from rooms below them", (name) => {
    const rank = new Map(order[name].flatMap((level, index) => level.split(" ").map((room) => [room, index] as const)));
    const roomOf = (path: string) => path.split("/")[3]!;
    const rankOf = (path: string): number => {
      const room = roomOf(path);
      if (/\.tsx?$/.test(room)) return room === "index.ts" ? Number.POSITIVE_INFINITY : -1;
      return rank.get(room) ?? Number.NaN;
    };
    const unknown = sources[name].filter(({ path }) => Number.isNaN(rankOf(path))).map(({ path }) => roomOf(path));
    expect([...new Set(unknown)], "rooms without a place in `order`").toEqual([]);
    const upward = offending(
      sources[name].filter(({ path }) => rankOf(path) >= 0),
      (specifier, file) => {
        const target = specifier.startsWith(".") ? resolveImport(file.path, specifier) : file.path;
        return rankOf(target) > rankOf(file.path);
      },
    );
    expect(upward).toEqual([]);
  });

  it("hold no files that import each other", () => {
    expect(importCycles(all)).toEqual([]);
  });

  it("methods know nothing of where they run", () => {
    const methods = sources.core.filter(({ path }) => path.startsWith("packages/core/src/algorithms/"));
    const rooms = [
      "algorithms",
      "params",
      "random",
      "aggregation",
      "clustering",
      "gossip",
      "heterogeneity",
      "topology",
      "codecs",
      "compression",
      "seeded",
      "submodels",
    ];
    const words = ["config/contract", "config/expectation", "option-uses", "text/nearest"].map(
      (file) => `packages/core/src/${file}.ts`,
    );
    const allowed = [...rooms.map((room) => `packages/core/src/${room}/`), ...words];
    const known = (path: string) =>
      ["@anabranch/engine", "zod"].includes(path) || allowed.some((p) => path.startsWith(p));
    expect(offending(methods, (specifier, file) => !known(resolveImport(file.path, specifier)))).toEqual([]);
  });
});

describe("files", () => {
  it("are reached from an entry, or are left out of the packages by name", () => {
    const byPath = new Map(all.map((file) => [file.path, file]));
    const reached = new Set<string>(entries);
    for (const path of reached) {
      const { imports, paths } = byPath.get(path) ?? readSource(path);
      for (const specifier of [...imports.map((found) => found.specifier), ...paths]) {
        const target = resolveImport(path, specifier);
        if (target.startsWith("packages/")) reached.add(target);
      }
    }
    expect(
      [...reached].filter((path) => isTest(path)),
      "code that only tests should use",
    ).toEqual([]);
    expect(
      all.map(({ path }) => path).filter((path) => !reached.has(path)),
      "code that nobody uses",
    ).toEqual([]);
  });

  it("have 400 lines at most, but for generated ones", () => {
    const written = readable.filter((path) => !readText(path).startsWith("// Written by `npm run docs:generate`"));
    const long = written.filter(
      (path) => /\.(tsx?|mjs)$/.test(path) && readText(path).trimEnd().split("\n").length > 400,
    );
    expect(long).toEqual([]);
  });

  it("have functions of 60 lines at most, but for listed ones", () => {
    const long = all.flatMap(({ path, functions }) =>
      functions.filter(({ lines }) => lines > 60).map(({ name }) => `${path}: ${name}`),
    );
    expect(long.sort()).toEqual(Object.keys(longFunctions).sort());
  });

  it("write to the terminal in one place", () => {
    const writers = all.filter(({ path }) =>
      /process\.(stdout|stderr)\.write|\b(stdout|stderr)\.write|console\./.test(readText(path)),
    );
    expect(writers.map(({ path }) => path).sort()).toEqual(Object.keys(terminalWriters).sort());
  });

  it("have kebab-case names", () => {
    const code = readable.filter((path) => /\.(tsx?|mjs)$/.test(path));
    expect(code.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/.test(path.split("/").at(-1)!))).toEqual([]);
  });

  it("promise nothing for later and name no one's machine", () => {
    const later = /\b(TO[D]O|FIX[M]E|X[X]X)\b/;
    const machine = /(^|[\s"'`(=:])\/(home|Users|root|work|mnt)\/\w/m;
    expect(readable.filter((path) => later.test(readText(path)))).toEqual([]);
    expect(readable.filter((path) => machine.test(readText(path)))).toEqual([]);
  });
});

describe("manifests", () => {
  it("have the version that the code reports, and depend on that version of each other", () => {
    for (const name of packages) {
      const { version, dependencies = {} } = manifests[name];
      expect(version).toBe(VERSION);
      for (const [other, wanted] of Object.entries(dependencies)) {
        if (other.startsWith("@anabranch/")) expect(`${name}: ${other} ${wanted}`).toBe(`${name}: ${other} ${VERSION}`);
      }
    }
  });

  it("export sources; those that npm pack rewrites and puts back are not left over", () => {
    const advice = "run: node scripts/pack.mjs restore packages/*";
    for (const name of packages) {
      expect(existsSync(join(root, "packages", name, "package.json.source")), advice).toBe(false);
      for (const target of Object.values(manifests[name].exports ?? {})) {
        expect(target, advice).toMatch(/^\.\/src\/.*\.ts$/);
        expect(existsSync(join(root, "packages", name, target as string)), `${name}: ${target}`).toBe(true);
      }
    }
  });
});
