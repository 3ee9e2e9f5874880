import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandName } from "../command-name.ts";

/** How a folder reaches the running installation: by name where npm finds it from there, else by paths of this machine. */
export interface Installation {
  /** Starts the command in an npm script. */
  readonly command: string;
  /** Starts the TypeScript compiler in an npm script. */
  readonly compiler: string;
  /** Files with the types of the library's modules, by specifier; empty where npm finds them. */
  readonly types: Readonly<Record<string, string>>;
  /** Folder with the types of Node; absent where there is none, or npm finds it. */
  readonly nodeTypes?: string;
}

const bin = fileURLToPath(new URL("../../../bin/anabranch.mjs", import.meta.url));
const require = createRequire(import.meta.url);

/** The running installation as seen from a folder. */
export function installationFrom(folder: string): Installation {
  const typescript = packageFolder("typescript");
  if (commandName(folder) === "npx anabranch") {
    return { command: "anabranch", compiler: typescript === undefined ? DOWNLOADED : "tsc", types: {} };
  }
  const nodeTypes = packageFolder("@types/node");
  return {
    command: `node ${JSON.stringify(bin)}`,
    compiler: typescript === undefined ? DOWNLOADED : `node ${JSON.stringify(join(typescript, "bin", "tsc"))}`,
    types: { ...libraryTypes(), zod: typesOf(fileURLToPath(import.meta.resolve("zod"))) },
    ...(nodeTypes === undefined ? {} : { nodeTypes: dirname(nodeTypes) }),
  };
}

/** An installation from npm has no compiler. */
const DOWNLOADED = "npx -y -p typescript@6 tsc";

/** Each module that the packages of the library export, with the file of its types. */
function libraryTypes(): Record<string, string> {
  const names = ["@anabranch/engine", "@anabranch/core", "@anabranch/node"];
  const specifiers = names.flatMap((name) => {
    const manifest = manifestOf(fileURLToPath(import.meta.resolve(name)));
    return Object.keys(manifest.exports).map((entry) => `${name}${entry.slice(1)}`);
  });
  return Object.fromEntries(specifiers.map((name) => [name, typesOf(fileURLToPath(import.meta.resolve(name)))]));
}

/** The sources are their own types; compiled files have them beside them. */
function typesOf(entry: string): string {
  return entry.endsWith(".ts") ? entry : entry.replace(/\.js$/, ".d.ts");
}

function manifestOf(file: string): { readonly exports: Readonly<Record<string, unknown>> } {
  let folder = dirname(file);
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
