/** Writes the pages that are made from the sources: `npm run docs:generate`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methodsPage } from "../../packages/node/src/docs/methods.ts";
import { root } from "../../tests/source-files.ts";
import { examplePackages, exampleTests, uncovered } from "./api-examples.ts";
import { configurationPage } from "./configuration-page.ts";
import { errorsPage } from "./errors-page.ts";
import { eventsSchema, eventTables } from "./events-page.ts";
import { glossaryPage } from "./glossary-page.ts";

/** What brings every generated page up to date. */
export const COMMAND = "npm run docs:generate";

/** The generated files with the text that they must have, by path. */
export async function generatedPages(): Promise<Record<string, string>> {
  return {
    "METHODS.md": `${methodsPage()}\n`,
    "docs/configuration.md": configurationPage(),
    "docs/errors.md": errorsPage(),
    ...Object.fromEntries(examplePackages.map((name) => [`tests/api-examples/${name}.test.ts`, exampleTests(name)])),
    "tests/api-examples/uncovered.json": await uncovered(),
    "docs/glossary.md": glossaryPage(),
    "docs/events.schema.json": eventsSchema(),
    "docs/events.md": withRegion("docs/events.md", "events", eventTables()),
  };
}

/** The text of a file with the region between two comments replaced. */
function withRegion(path: string, name: string, text: string): string {
  const region = new RegExp(`(<!-- begin ${name}[^>]*-->\n)[\\s\\S]*?(<!-- end ${name} -->)`);
  const page = readFileSync(join(root, path), "utf8");
  if (!region.test(page)) throw new Error(`${path} has no region "${name}"`);
  return page.replace(region, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedPages())) {
    if (readFileSync(join(root, path), { encoding: "utf8", flag: "a+" }) === text) continue;
    writeFileSync(join(root, path), text);
    console.log(`Wrote ${path}`);
  }
}
