/** Where a page belongs. */
export interface PageAddress {
  /** Address of the server, with a slash at its end. */
  readonly root: string;
  /** Undefined on the page of the server. */
  readonly run: string | undefined;
}

/** Reads the address of a page: ROOT/runs/RUN for a run, or ROOT/. */
export function pageAddress(href: string): PageAddress {
  const { origin, pathname } = new URL(href);
  const [, base = "", run] = /^(.*)\/runs\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (run !== undefined) return { root: `${origin}${base}/`, run: decodeURIComponent(run) };
  return { root: new URL(".", origin + pathname).href, run: undefined };
}

/** The page of a run. */
export function pageOf(root: string, run: string): string {
  return `${root}runs/${encodeURIComponent(run)}`;
}
