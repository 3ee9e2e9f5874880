import { join } from "node:path";
import type { KeptStates } from "@anabranch/core/live";
import { decodeClientState, encodeClientState } from "../store/client-state-file.ts";
import { isTemporaryName, writeAtomically } from "../store/file-system.ts";
import type { ClientFolder } from "./client-folder.ts";

const RESTORE = "The client's folder was changed: restore it from a copy.";
const ownerOf = (run: string, version: number) => ({ run, round: String(version) });
const namePattern = /^(\d+)\.safetensors$/;

/**
 * The states that a client keeps, as `states/RUN/VERSION.safetensors` in its folder: each is on the disk, whole, before it
 * counts. Kept are the newest state, the one that it was made from, and the one before that, should the server go back.
 *
 * @throws `client-state/corrupt`, `client-state/truncated`, `store/...`
 */
export function keptStatesIn({ path: folder, files }: ClientFolder): KeptStates {
  /** The version that the server has named last, by run: it counts until the server names another. */
  const base = new Map<string, number>();
  const folderOf = (run: string) => join(folder, "states", run);
  const pathOf = (run: string, version: number) => join(folderOf(run), `${version}.safetensors`);

  /** Removes what no server can name any more, and what killed processes have left. */
  const forget = async (run: string, newest: number) => {
    const names = await files.list(folderOf(run));
    const versions = names.flatMap((name) => namePattern.exec(name)?.[1] ?? []).map(Number);
    const counts = base.get(run) ?? newest;
    const before = versions.filter((version) => version < Math.min(counts, newest)).sort((a, b) => b - a)[0];
    const kept = new Set([newest, counts, before]);
    for (const version of versions) if (!kept.has(version)) await files.remove(pathOf(run, version));
    for (const name of names) if (isTemporaryName(name)) await files.remove(join(folderOf(run), name));
  };

  return {
    async load(run, version) {
      const path = pathOf(run, version);
      const bytes = await files.read(path);
      if (bytes === undefined) return undefined;
      base.set(run, version);
      return decodeClientState(bytes, ownerOf(run, version), path, RESTORE);
    },
    async save(run, version, state) {
      await files.makeFolder(folderOf(run));
      await writeAtomically(
        files,
        pathOf(run, version),
        encodeClientState(ownerOf(run, version), state),
        `the state of round ${version}`,
      );
      await forget(run, version);
    },
  };
}
