// `node scripts/run.mjs COMMAND ...`: one of the project's commands, with dependencies installed and its own Node.
import { install, run } from "./set-up.mjs";

install();
const [command, ...args] = process.argv.slice(2);
process.exit(run(command, args));
