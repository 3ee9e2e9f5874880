import { filesBelow, readText } from "../../tests/source-files.ts";

/** An example in the doc comment of a declaration. */
export interface ApiExample {
  readonly name: string;
  /** `FILE:LINE` of the declaration. */
  readonly place: string;
  readonly code: string;
}

/** Packages whose doc comments have examples. */
export const examplePackages = ["engine", "core", "node"] as const;

const COMMENT =
  /\/\*\*((?:(?!\*\/)[\s\S])*?```ts(?:(?!\*\/)[\s\S])*?)\*\/\s*export (?:async )?(?:function\*?|const|class|type|interface) (\w+)/g;

/** The examples of a package: blocks of `ts` in the comments on what its files export. */
export function apiExamples(name: (typeof examplePackages)[number]): ApiExample[] {
  const files = filesBelow(`packages/${name}/src`).filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
  return files.flatMap((path) => {
    const text = readText(path);
    return [...text.matchAll(COMMENT)].flatMap(({ 1: comment = "", 2: declared = "", index }) => {
      const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
      const blocks = [...lines.join("\n").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
      const line = text.slice(0, index).split("\n").length;
      return blocks.map((code) => ({ name: declared, place: `${path}:${line}`, code }));
    });
  });
}

/** The public entries by package. */
const entries: Readonly<Record<(typeof examplePackages)[number], readonly string[]>> = {
  engine: ["@anabranch/engine", "@anabranch/engine/testing"],
  core: [
    "@anabranch/core",
    "@anabranch/core/conformance",
    "@anabranch/core/live",
    "@anabranch/core/secure-aggregation",
  ],
  node: ["@anabranch/node"],
};

/**
 * Exported values that have no example yet, by entry; the layers of `nn` count as exports of the engine. A class of a package
 * below that is exported once more has its example there.
 */
export async function uncovered(): Promise<string> {
  const missing: Record<string, { readonly exports: number; readonly withoutExample: readonly string[] }> = {};
  const shown = new Set<unknown>();
  for (const name of examplePackages) {
    const covered = new Set(apiExamples(name).map((example) => example.name));
    for (const entry of entries[name]) {
      const { nn = {}, ...own } = (await import(entry)) as Readonly<Record<string, unknown>>;
      const exported = [...Object.entries(own), ...Object.entries(nn as object)];
      const hasExample = ([one, value]: (typeof exported)[number]) =>
        covered.has(one) || (typeof value === "function" && shown.has(value));
      for (const one of exported) if (hasExample(one)) shown.add(one[1]);
      const withoutExample = exported.filter((one) => !hasExample(one)).map(([one]) => one);
      missing[entry] = { exports: exported.length, withoutExample: withoutExample.sort() };
    }
  }
  return `${JSON.stringify(missing, null, 2)}\n`;
}

/** A file of tests with the examples of a package: each runs, and `expression; // => value` is compared. */
export function exampleTests(name: (typeof examplePackages)[number]): string {
  const examples = apiExamples(name);
  const imports = new Map<string, Set<string>>();
  const namespaces = new Set<string>();
  const tests = examples.map(({ name: declared, place, code }) => {
    const named = code.replace(/^import \* as .*;\n/gm, (line) => {
      namespaces.add(line.trim());
      return "";
    });
    const body = named.replace(
      /^import (?:type )?\{([^}]*)\} from "([^"]+)";\n/gm,
      (_, names: string, from: string) => {
        const known = imports.get(from) ?? new Set();
        for (const one of names.split(",")) if (one.trim() !== "") known.add(one.trim());
        imports.set(from, known);
        return "";
      },
    );
    const title = JSON.stringify(`${declared} (${place.split(":")[0]!.replace(/^packages\//, "")})`);
    return `  it(${title}, async () => {\n${indented(compared(body))}\n  });`;
  });
  return [
    "// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.",
    'import { describe, it } from "vitest";',
    ...[...namespaces].sort(),
    ...[...imports].sort().map(([from, names]) => `import { ${[...names].sort().join(", ")} } from "${from}";`),
    'import { same } from "./same.ts";',
    "",
    `describe("the example of", () => {\n${tests.join("\n\n")}\n});`,
    "",
  ].join("\n");
}

/** `expression; // => value` as a comparison. */
function compared(code: string): string {
  return code.replace(
    /^( *)((?:const|let) .*|.*?);\s*\/\/ => (.*)$/gm,
    (_, indent: string, expression: string, value) => {
      const named = /^(?:const|let) (\w+) = /.exec(expression)?.[1];
      const before = named === undefined ? "" : `${indent}${expression};\n`;
      return `${before}${indent}same(${named ?? expression}, ${value});`;
    },
  );
}

function indented(code: string): string {
  return code
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");
}
