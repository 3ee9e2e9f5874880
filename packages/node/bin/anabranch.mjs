#!/usr/bin/env node
import { spawnSync } from "node:child_process";
// In the repository the sources run as they are; an installed package has its compiled files in dist.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const compiled = new URL("../dist/cli/main.js", import.meta.url);
const sources = new URL("../src/cli/main.ts", import.meta.url);
const entry = existsSync(sources) ? sources : compiled;
const [major] = process.versions.node.split(".").map(Number);
if (major >= 24) {
  await import(entry.href);
} else {
  // npx uses the project's own Node 24 where there is one; this is the last resort with an older one
  const places = ["../../../node_modules/.bin/node", "../../../.bin/node"]; // in the repository; installed
  const own = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (own === undefined) {
    console.error(
      `anabranch needs Node 24 or newer; this is ${process.version}. Install it with "npm install node@24".`,
    );
    process.exit(1);
  }
  process.on("SIGINT", () => {}); // Ctrl-C reaches the command too, which saves a checkpoint: wait for it
  const result = spawnSync(own, [fileURLToPath(entry), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(result.status ?? (result.signal === "SIGINT" ? 130 : 1));
}
