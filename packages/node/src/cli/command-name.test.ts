import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { commandName } from "./command-name.ts";

const bin = fileURLToPath(new URL("../../bin/anabranch.mjs", import.meta.url));

it("is the one that works in a folder: with npx where npx finds this installation", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-name-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const within = join(folder, "project", "experiments");
  await mkdir(within, { recursive: true });
  await mkdir(join(folder, "node_modules", ".bin"), { recursive: true });
  expect(commandName(within)).toBe("anabranch");
  await symlink(bin, join(folder, "node_modules", ".bin", "anabranch"));
  expect([commandName(folder), commandName(within)]).toEqual(["npx anabranch", "npx anabranch"]);
  // another installation is nearer: npx would start that one
  await mkdir(join(folder, "project", "node_modules", ".bin"), { recursive: true });
  await writeFile(join(folder, "project", "node_modules", ".bin", "anabranch"), "");
  expect(commandName(within)).toBe("anabranch");
});
