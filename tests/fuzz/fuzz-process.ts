/** Fuzzes one reader, named on the command line with the number of files, and reports to its parent. */
import { fuzz } from "./fuzz.ts";
import { readers } from "./readers.ts";

/** Files between two reports: the parent waits for each so long as one deadline. */
const STEP = 100;

const [name = "", count = "0"] = process.argv.slice(2);
const result = { read: 0, refused: {}, crashes: [] };
for (let from = 0; from < Number(count); from += STEP) {
  await fuzz(readers[name]!, from, Math.min(from + STEP, Number(count)), result);
  process.send!({ type: "progress", done: from + STEP });
  await new Promise((resolve) => setImmediate(resolve));
}
process.send!({ type: "result", result, peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) });
process.disconnect();
