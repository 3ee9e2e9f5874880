const key = "anabranch dashboard token";

/**
 * The token of a link, which the tab remembers from then on: it does not stay in the address.
 *
 * @param memory of the tab
 */
export function takeToken(page: Pick<Window, "location" | "history">, memory: Storage): string {
  const token = /^#token=([\w-]+)$/.exec(page.location.hash)?.[1];
  if (token !== undefined) {
    memory.setItem(key, token);
    page.history.replaceState(null, "", "#/");
  }
  return memory.getItem(key) ?? "";
}

export function rememberToken(token: string, memory: Storage): void {
  memory.setItem(key, token);
}
