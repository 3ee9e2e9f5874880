import { diskFileSystem } from "./disk-file-system.ts";
import type { FileSystem } from "./file-system.ts";

/** A disk on which one kind of operation fails with a code of the system from the `after`-th call on; for tests. */
export function failingFileSystem(operation: keyof FileSystem, code: string, after = 0): FileSystem {
  let calls = 0;
  const fail = (): void => {
    if (calls++ >= after) throw Object.assign(new Error(`${code}: it fails as the test asks`), { code });
  };
  return {
    ...diskFileSystem,
    [operation]: async (...parameters: [never, never]) => {
      fail();
      return diskFileSystem[operation](...parameters);
    },
  };
}
