// Runs the numerical checks of the engine and of the models, and prints how many there were and the worst errors:
// first and second derivatives against finite differences (float64), executors against the interpreter, jax-js.
// `npm run checks [-- FILTER...]`; exit 1 when a check fails or a kind was not run at all.
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";

const kinds = ["first derivative", "second derivative", "executor", "jax-js"];
const root = fileURLToPath(new URL("..", import.meta.url));
const filters = process.argv.slice(2);
const everything = filters.length === 0;

/** Entries of one test file's tally, by file. */
const files = new Map();
const vitest = await startVitest("test", everything ? ["packages/engine/src", "packages/core/src/models"] : filters, {
  root,
  config: false, // files that share a process would share a tally
  include: ["packages/*/src/**/*.test.ts"],
  pool: "forks",
  maxWorkers: 2,
  testTimeout: 60_000,
  watch: false,
  reporters: ["default"],
  setupFiles: [fileURLToPath(new URL("../packages/engine/checks/print-tally.ts", import.meta.url))],
  onConsoleLog(log, _type, entity) {
    for (const line of log.split("\n").filter((l) => l.startsWith("tally "))) {
      const file = (entity?.type === "module" ? entity : entity?.module)?.moduleId ?? "?";
      files.set(file.slice(root.length), JSON.parse(line.slice("tally ".length)));
    }
    return false;
  },
});
await vitest.close();

const of = (entries, kind) => entries.find((e) => e.kind === kind);
const header = ["", ...kinds].map((text, i) => (i === 0 ? text.padEnd(58) : text.padStart(26))).join("");
const cell = (entry) =>
  (entry === undefined ? "" : `${entry.count}  worst ${entry.worst.toExponential(1)}`).padStart(26);
console.log(`\n${header}`);
for (const [file, entries] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  console.log(file.padEnd(58) + kinds.map((kind) => cell(of(entries, kind))).join(""));
}
console.log("");
for (const kind of kinds) {
  const all = [...files.values()].map((entries) => of(entries, kind)).filter((e) => e !== undefined);
  const count = all.reduce((total, e) => total + e.count, 0);
  const worst = all.reduce((a, e) => (e.worst > a.worst ? e : a), { worst: 0, where: "-" });
  console.log(`${kind}: ${count} checks, worst ${worst.worst.toExponential(1)} (${worst.where})`);
  if (count === 0 && everything) process.exitCode = 1;
}
