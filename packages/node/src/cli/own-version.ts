import { readFileSync } from "node:fs";

/** Whether a command line asks for the version and for nothing else. */
export function asksForVersion(argv: readonly string[]): boolean {
  return argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V");
}

/** The version of this package by its manifest, which two folders above lies in the repository and in an installation. */
export function ownVersion(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
