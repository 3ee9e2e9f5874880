// Plain JavaScript for any Node from 20 on: it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");

/** Installs the locked dependencies unless this very lock file is installed already. */
export function install() {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const stamp = join(root, "node_modules", ".anabranch-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  const command = existsSync(join(root, "node_modules")) ? "install" : "ci"; // do not empty a folder in use
  console.log(`Installing dependencies (npm ${command}) ...`);
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, [command, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
  });
  if (result.status !== 0) {
    console.error(
      `npm ${command} failed. Check that the npm registry can be reached, then run the same command again.`,
    );
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, lock);
}

/** The environment with the project's own Node first on the path. Compiled sources are kept: commands start in half the time. */
export const env = {
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node"),
  ...process.env,
  PATH: `${bin}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`,
};

/** Runs a command in that environment; returns its exit status. */
export function run(command, args) {
  process.on("SIGINT", () => {}); // Ctrl-C reaches the command too, which saves a checkpoint: wait for it
  const result = spawnSync(join(bin, command), args, {
    cwd: root,
    stdio: "inherit",
    env,
  });
  if (result.error) throw result.error;
  return result.status ?? (result.signal === "SIGINT" ? 130 : 1);
}
