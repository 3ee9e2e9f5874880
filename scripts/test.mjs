import { install, run } from "./set-up.mjs";

install();
const steps = [
  ["type check", "tsc", ["-p", "tsconfig.json"]],
  ["lint", "biome", ["check", "."]],
  ["tests", "vitest", ["run", ...process.argv.slice(2)]],
];
for (const [name, command, args] of steps) {
  console.log(`\n> ${name}: ${command} ${args.join(" ")}`);
  const status = run(command, args);
  if (status !== 0) {
    console.error(`The ${name} step failed with exit code ${status}.`);
    process.exit(status);
  }
}
