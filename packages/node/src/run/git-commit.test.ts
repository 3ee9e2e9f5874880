import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gitCommit } from "./git-commit.ts";

const first = "1".repeat(40);
const second = "2".repeat(40);
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-git-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function repository(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), `${text}\n`);
  }
  await mkdir(join(root, "sub", "folder"), { recursive: true });
  return join(root, "sub", "folder");
}

describe("gitCommit", () => {
  it("is that of the branch that is checked out, loose or packed, or of a bare commit", async () => {
    const folder = await repository({ ".git/HEAD": "ref: refs/heads/main", ".git/refs/heads/main": first });
    expect(gitCommit(folder)).toBe(first);
    await rm(join(root, ".git/refs/heads/main"));
    await writeFile(join(root, ".git/packed-refs"), `# pack-refs\n${second} refs/heads/main\n`);
    expect(gitCommit(folder)).toBe(second);
    await writeFile(join(root, ".git/HEAD"), `${first}\n`);
    expect(gitCommit(folder)).toBe(first);
  });

  it("is found from a second work tree", async () => {
    const folder = await repository({
      "main/.git/refs/heads/side": second,
      "main/.git/worktrees/side/HEAD": "ref: refs/heads/side",
      "main/.git/worktrees/side/commondir": "../..",
      ".git": "gitdir: main/.git/worktrees/side",
    });
    expect(gitCommit(folder)).toBe(second);
  });

  it("is not known of a folder without a repository, nor of one that names something else", async () => {
    const folder = await repository({ ".git/HEAD": "ref: refs/../../secret", ".git/secret": first });
    expect(gitCommit(folder)).toBeUndefined();
    await writeFile(join(root, ".git/HEAD"), "\u001b[31m\n");
    expect(gitCommit(folder)).toBeUndefined();
    await rm(join(root, ".git"), { recursive: true });
    expect(gitCommit(join(root, "missing"))).toBeUndefined();
  });

  it.skipIf(process.platform === "win32").each(["HEAD", "refs/heads/main", "packed-refs"])(
    "is not waited for where %s is a pipe, a device or too large",
    async (path) => {
      const folder = await repository({ ".git/HEAD": "ref: refs/heads/main", ".git/refs/heads/other": first });
      const file = join(root, ".git", path);
      const reads = () =>
        execFileSync(process.execPath, ["--input-type=module", "-e", reading, folder], { timeout: 150_000 }).toString();
      const kinds = [
        () => execFileSync("mkfifo", [file]),
        () => symlink("/dev/zero", file),
        () => writeFile(file, `${"#\n".repeat(2 ** 23)}${second} refs/heads/main\n`),
      ];
      for (const make of kinds) {
        await rm(file, { force: true });
        await make();
        expect(reads()).toBe("undefined");
      }
    },
  );
});

/** In a process of its own: what waits for a pipe does so without end. */
const reading = `
  import { gitCommit } from ${JSON.stringify(new URL("./git-commit.ts", import.meta.url))};
  process.stdout.write(String(gitCommit(process.argv[1])));
`;
