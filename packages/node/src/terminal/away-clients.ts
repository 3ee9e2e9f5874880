import { isAway } from "@anabranch/core";
import { clientNames, type FailureGroup } from "../report/failure-groups.ts";

/** Which clients of a live run are away: they fail in round after round, and that is shown once. */
export class AwayClients {
  /** The code by which a client was away last, and whether a later failure was left out. */
  readonly #known = new Map<number, { readonly code: string; readonly isRepeated: boolean }>();

  /** Takes clients that failed alike; returns whether that is news for any of them. Other failures always are. */
  add({ code, clients }: FailureGroup): boolean {
    if (!isAway(code)) return true;
    const isNews = clients.some((client) => this.#known.get(client)?.code !== code);
    for (const client of clients) this.#known.set(client, { code, isRepeated: !isNews });
    return isNews;
  }

  /** Takes clients that did not fail; returns those among them whose repeated failures were left out. */
  recover(clients: readonly number[]): number[] {
    const back = clients.filter((client) => this.#known.get(client)?.isRepeated === true);
    for (const client of clients) this.#known.delete(client);
    return back;
  }
}

/** e.g. "client 2 takes part again" */
export function backText(clients: readonly number[]): string {
  return clients.length === 1
    ? `client ${clients[0]} takes part again`
    : `clients ${clientNames(clients)} take part again`;
}
