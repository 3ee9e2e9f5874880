import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** In the repository the folder of the examples; `npm pack` puts those that are templates into `dist`. */
const folders = ["../../../../../examples/", "../../examples/"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** Files of `examples` that templates are made of. `scripts/pack.mjs` packs these. */
export type ExampleName =
  | "quickstart.toml"
  | "private.toml"
  | "secure.toml"
  | "sweep.toml"
  | "own-model.ts"
  | "own-algorithm.ts";

/** The text of an example, with the name of the run and the path of the file in place of the example's. */
export function exampleText(
  example: ExampleName,
  { name, path }: { readonly name?: string; readonly path: string },
): string {
  const folder = folders.find((candidate) => existsSync(join(candidate, example)))!;
  const text = readFileSync(join(folder, example), "utf8")
    .replaceAll(/(?:npm start, or )?npx anabranch (run|sweep) examples\/\S+?\.toml/g, `anabranch $1 ${path}`)
    .replaceAll(`examples/${example}`, path);
  if (name === undefined) return text;
  return text
    .replace(/^name = ".*?"/m, () => `name = ${JSON.stringify(name)}`)
    .replace("runs/sweep-quickstart", () => `runs/sweep-${name}`);
}
