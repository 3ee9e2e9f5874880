import { clientNames, type FailureGroup } from "../report/failure-groups.ts";

/** Which clients fail in round after round, so that it is shown once: a client that stays away fails in every one. */
export class FailingClients {
  /** The code by which a client failed last, and whether a later failure was left out. */
  readonly #known = new Map<number, { readonly code: string; readonly isRepeated: boolean }>();

  /** Takes clients that failed alike; returns whether that is news for any of them. One that is tried again is. */
  add({ code, clients, retried }: FailureGroup): boolean {
    if (retried > 0) return true;
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
