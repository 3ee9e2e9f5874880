/** What bin/anabranch.mjs starts. */
import { keepCompiledSources } from "./compile-cache.ts";
import { watchStartUp } from "./start-up.ts";

keepCompiledSources();
watchStartUp(process.argv.includes("--json"));
// Loaded here, so that their compiled code is kept, too.
const [{ runCommandLine }, { endDespiteThreads }, { tolerateClosedPipes }] = await Promise.all([
  import("./command-line.ts"),
  import("./end-process.ts"),
  import("./output.ts"),
]);
tolerateClosedPipes();
process.exitCode = await runCommandLine(process.argv.slice(2));
await endDespiteThreads(process.exitCode);
