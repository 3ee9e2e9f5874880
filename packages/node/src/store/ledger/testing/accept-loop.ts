import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { openLedger } from "../open-ledger.ts";

/**
 * Gives and accepts orders of a round, several at once, until it is killed. A line "ID HASH ANSWER" appears for each
 * acceptance after it was reported.
 */
const [url = "", run = "", round = ""] = process.argv.slice(2);
const ledger = await openLedger(url, run);
writeSync(1, "open\n");
for (let client = 0; ; client += 4) {
  await Promise.all(
    [0, 1, 2, 3].map(async (offset) => {
      const id = `${round}/${client + offset}/0`;
      const hash = createHash("sha256").update(id).digest("hex");
      await ledger.giveOrder({ id, client: client + offset, version: Number(round), broadcast: "b" });
      writeSync(1, `${id} ${hash} ${await ledger.acceptUpdate(id, hash)}\n`);
    }),
  );
}
