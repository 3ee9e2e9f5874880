import { constants, enableCompileCache } from "node:module";
import { join } from "node:path";
import { userCacheFolder } from "../cache-folder.ts";

/**
 * Keeps compiled sources in the user's cache folder, for this process and for its threads and children. A start then takes
 * half the processor time. Node's own variables come first: NODE_COMPILE_CACHE names another folder, and
 * NODE_DISABLE_COMPILE_CACHE=1 keeps nothing. A folder that cannot be written is left alone.
 *
 * @param environment which threads and children inherit; changed where the cache is in use
 */
export function keepCompiledSources(environment: NodeJS.ProcessEnv = process.env): void {
  if (environment.NODE_COMPILE_CACHE || environment.NODE_DISABLE_COMPILE_CACHE) return;
  const folder = join(userCacheFolder(environment), "node");
  const { status } = enableCompileCache(folder);
  if (status === constants.compileCacheStatus.ENABLED) environment.NODE_COMPILE_CACHE = folder;
}
