import { install, run } from "./set-up.mjs";

install();
process.exit(
  run("node", ["packages/node/src/cli/main.ts", "run", "examples/quickstart.toml", ...process.argv.slice(2)]),
);
