import type { RunOutcome, SessionOptions } from "../../run/session.ts";
import { ListeningSite, type SiteOptions } from "../listening-site.ts";
import { type ServeOptions, serveRun } from "../serve-session.ts";

export type AloneOptions = Omit<SiteOptions, "runs" | "resumed"> & ServeOptions;

/** Serves one run by a server of its own, which ends with it. */
export async function serveAlone(
  options: AloneOptions,
  session: SessionOptions,
  begin: (options: SessionOptions) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const site = await ListeningSite.open({ ...options, runs: 1, resumed: [] });
  try {
    return await serveRun(site, options, session, begin);
  } finally {
    await site.close();
  }
}
