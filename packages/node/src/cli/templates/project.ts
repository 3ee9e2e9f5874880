import { basename, join, resolve } from "node:path";
import { type Installation, installationFrom } from "./installation.ts";
import { federationWith } from "./own-parts.ts";
import type { NewFiles } from "./template.ts";

/**
 * A folder for own work: a federation with an own model and an own method, both with types, and npm scripts that train,
 * check and type-check. It needs no installation: scripts and types lead to the running command.
 *
 * @param folder that will hold it
 */
export function project(folder: string): NewFiles {
  const installation = installationFrom(resolve(folder));
  const name = basename(resolve(folder));
  const at = (file: string) => join(folder, file);
  return {
    files: [
      ...federationWith({ model: true, method: true }, at("federation.toml"), name),
      { path: at("package.json"), text: json(manifest(name, installation)) },
      { path: at("tsconfig.json"), text: json(compilerOptions(installation)) },
      { path: at(".gitignore"), text: "node_modules/\nruns/\n" },
    ],
    next: `cd ${/\s/.test(folder) ? JSON.stringify(folder) : folder} && npm start`,
  };
}

function manifest(name: string, { command, compiler }: Installation) {
  return {
    name:
      name
        .toLowerCase()
        .replace(/[^a-z0-9-]+/g, "-")
        .replace(/^-+|-+$/g, "") || "federation",
    private: true,
    type: "module",
    scripts: {
      start: `${command} run federation.toml`,
      check: `${command} check method.ts`,
      typecheck: `${compiler} -p .`,
    },
  };
}

function compilerOptions({ types, nodeTypes }: Installation) {
  const paths = Object.fromEntries(Object.entries(types).map(([specifier, file]) => [specifier, [file]]));
  return {
    compilerOptions: {
      target: "ES2024",
      lib: ["ES2024", "DOM"],
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
      types: nodeTypes === undefined ? [] : ["node"],
      ...(nodeTypes === undefined ? {} : { typeRoots: [nodeTypes] }),
      ...(Object.keys(paths).length === 0 ? {} : { paths }),
    },
    include: ["*.ts"],
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
