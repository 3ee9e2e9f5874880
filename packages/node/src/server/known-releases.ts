import { type Ledger, lostLedger } from "@anabranch/core/live";
import type { RunFolder } from "../store/run-folder.ts";
import { RunSummarizer } from "../store/run-summary.ts";

/**
 * Refuses a private run that has trained before with a ledger that knows none of its clients: it would begin anew, and
 * release other models of the same rounds, which epsilon does not count. Where there is a checkpoint the ledger notices by
 * itself.
 *
 * @throws `live/lost-ledger`
 */
export async function requireKnownReleases({ folder }: RunFolder, ledger: Ledger): Promise<void> {
  if ((await ledger.clients()).length > 0) return;
  const { roundsDone } = (await RunSummarizer.ofFolder(folder)).summary;
  if (roundsDone > 0) throw lostLedger(1);
}
