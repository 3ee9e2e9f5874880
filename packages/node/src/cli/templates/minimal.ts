import { minimalToml } from "@anabranch/core";
import type { NewFile } from "./template.ts";

/** The same files, configurations without comments and without keys at their defaults. */
export function minimal(files: readonly NewFile[]): NewFile[] {
  return files.map(({ path, text }) => ({ path, text: path.endsWith(".toml") ? minimalToml(text, path) : text }));
}
