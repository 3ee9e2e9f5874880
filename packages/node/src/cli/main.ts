/** What bin/anabranch.mjs starts. */
import { keepCompiledSources } from "./compile-cache.ts";
import { asksForVersion, ownVersion } from "./own-version.ts";

const argv = process.argv.slice(2);
// Nothing else is loaded for this, so that scripts may ask often.
if (asksForVersion(argv)) console.log(ownVersion());
else await main();

async function main(): Promise<void> {
  keepCompiledSources();
  // All others are loaded here, so that their compiled code is kept, too.
  const { watchStartUp } = await import("./start-up.ts");
  watchStartUp(argv.includes("--json"));
  const [{ runCommandLine }, { endDespiteThreads }, { tolerateClosedPipes }] = await Promise.all([
    import("./command-line.ts"),
    import("./end-process.ts"),
    import("./output.ts"),
  ]);
  tolerateClosedPipes();
  process.exitCode = await runCommandLine(argv);
  await endDespiteThreads(process.exitCode);
}
