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
    const failure = {
      code: "node/version",
      message: "anabranch does not run on this Node",
      received: `Node ${process.version}`,
      expected: "Node 24 or newer",
      advice: 'Run "npm install node@24" here, then the same command with npx.',
    };
    const { code, message, ...details } = failure;
    const lines = Object.entries(details).map(([name, text]) => `  ${name.padEnd(8)}  ${text}`);
    if (process.argv.includes("--json")) console.log(JSON.stringify({ error: failure }));
    else console.error([`error ${code}: ${message}`, ...lines].join("\n"));
    process.exit(1);
  }
  process.on("SIGINT", () => {}); // Ctrl-C reaches the command too, which saves a checkpoint: wait for it
  const result = spawnSync(own, [fileURLToPath(entry), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(result.status ?? (result.signal === "SIGINT" ? 130 : 1));
}
