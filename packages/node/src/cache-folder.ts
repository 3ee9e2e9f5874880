import { homedir } from "node:os";
import { join } from "node:path";

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The folder `anabranch` in the user's cache folder: downloads, trusted files, compiled sources. */
export function userCacheFolder(environment: Environment): string {
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, "anabranch");
  if (process.platform === "win32" && environment.LOCALAPPDATA) return join(environment.LOCALAPPDATA, "anabranch");
  return join(homedir(), ".cache", "anabranch");
}
