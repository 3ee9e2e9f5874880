import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Served } from "./serve.ts";

const command = fileURLToPath(new URL("../../packages/node/src/cli/main.ts", import.meta.url));

/** `anabranch join` as client `number` of a trial, in a process of its own. */
export function joinAs(number: number, { joinLink, folder }: Served): ChildProcess {
  const own = join(folder, `client-${number}`);
  const args = ["join", joinLink, "--client", String(number), "--folder", own, "--quiet"];
  return spawn(process.execPath, [command, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}
