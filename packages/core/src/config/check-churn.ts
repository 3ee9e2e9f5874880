import { stopping } from "../selection/churn.ts";
import { checkUnused, conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/** Refuses churn that counts for nothing. Throws `config/conflict`. */
export function checkChurn(config: Config, locate: Locate): void {
  const { churn, rounds, data } = config;
  const { share, per, from, until, during } = churn;
  const at = (key: string) => locate(["churn", key]);
  if (share === 0) {
    checkUnused(config, ["churn", "share"], {}, "Set churn.share, e.g. to 0.2, or remove this key.", locate);
    return;
  }
  if (from > rounds)
    throw conflict(at("from"), `${from}`, `at most rounds = ${rounds}`, "Clients stop in a round of the run.");
  if (until !== undefined && until < from)
    throw conflict(at("until"), `${until}`, `at least churn.from = ${from}`, "Clients come back after they stop.");
  if (per === "run") requireSome(share, data.clients, at("share"));
  else if (during !== "training")
    throw conflict(at("during"), during, '"training"', "Clients that are drawn in each round stop while they train.");
}

/** Owners of data are counted when the data are there. */
function requireSome(share: number, clients: number, where: string): void {
  if (clients === 0) return;
  const stop = stopping(clients, { share });
  if (stop > 0 && stop < clients) return;
  const near = Math.min(Math.max(1, stop), clients - 1) / clients;
  const expected = clients === 1 ? "0" : `${Number(near.toPrecision(6))}`;
  const advice = "Someone has to stop, and someone has to stay.";
  throw conflict(where, `${share}, which is ${stop} of data.clients = ${clients}`, expected, advice);
}
