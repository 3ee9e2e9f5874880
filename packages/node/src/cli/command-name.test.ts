import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { commandName, withTypedCommands } from "./command-name.ts";

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

it("is put where a command is to be typed", () => {
  const typed = (text: string) => withTypedCommands(text, "npx anabranch");
  expect(typed("Start with: anabranch new a.toml, then anabranch run a.toml")).toBe(
    "Start with: npx anabranch new a.toml, then npx anabranch run a.toml",
  );
  expect(typed("Copy the address that anabranch serve printed.")).toBe(
    "Copy the address that anabranch serve printed.",
  );
  expect(withTypedCommands("List them with: anabranch list", "anabranch")).toBe("List them with: anabranch list");
});
