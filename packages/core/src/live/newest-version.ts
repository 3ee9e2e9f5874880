/** The newest version of the model that a run has sent to a client, or whose round before it is saved. */
export interface NewestVersion {
  /** 0: none. */
  readonly version: number;
  /** Hash of the broadcast; undefined while it was not made. */
  readonly broadcast: string | undefined;
}

/** Why a version may not leave the server: other bytes of it have, a later one has, or those before it are not known. */
export type VersionConflict = "other" | "past" | "gap";

/**
 * What is the newest version after this one. Versions follow each other from 1, and none ever has two broadcasts: in a
 * private run the second would be another release of the same updates, which epsilon does not count.
 *
 * @param broadcast undefined: the round before the version is saved, so it is not trained again
 * @example
 * ```ts
 * import { advanceVersion } from "@anabranch/core/live";
 * advanceVersion({ version: 4, broadcast: "a1" }, 9, "b2"); // => "gap"
 * ```
 */
export function advanceVersion(
  newest: NewestVersion,
  version: number,
  broadcast: string | undefined,
): NewestVersion | VersionConflict {
  if (version < newest.version) return "past";
  if (version > newest.version + 1) return "gap";
  if (version > newest.version || newest.broadcast === undefined) return { version, broadcast };
  return broadcast === undefined || broadcast === newest.broadcast ? newest : "other";
}
