/** What bin/anabranch.mjs starts. */
import { runCommandLine } from "./command-line.ts";
import { endDespiteThreads } from "./end-process.ts";
import { tolerateClosedPipes } from "./output.ts";

tolerateClosedPipes();
process.exitCode = await runCommandLine(process.argv.slice(2));
await endDespiteThreads(process.exitCode);
