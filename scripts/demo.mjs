// A live federation on this machine: a server, two Node clients, and a place for a browser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { env, install, root, run } from "./set-up.mjs";

install();
if (!existsSync(join(root, "packages/dashboard/dist")))
  run("vite", ["build", "packages/dashboard", "--logLevel", "warn"]);

/** The command with its lines told one by one. */
function anabranch(args, onLine) {
  const node = join(root, "node_modules", ".bin", "node");
  const child = spawn(node, ["packages/node/src/cli/main.ts", ...args], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", onLine);
  return child;
}

const clients = [];
process.on("SIGINT", () => {}); // the terminal tells the others too: wait until they have saved
for (const signal of ["SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    for (const child of [server, ...clients]) child.kill(signal);
  });
const server = anabranch(
  ["serve", "examples/live.toml", "--clients", "2", "--demo-data", ...process.argv.slice(2)],
  (line) => {
    console.log(line);
    const link = /^\s*join link\s+(\S+)/.exec(line)?.[1];
    if (link === undefined) return;
    console.log(`  browser       open the join link in a browser to take part as the third client`);
    for (const client of [0, 1]) {
      const args = ["join", link, "--client", String(client), "--name", `node ${client}`, "--quiet"];
      clients.push(anabranch(args, (text) => console.log(`client ${client}: ${text}`)));
    }
  },
);
const [code, signal] = await once(server, "exit");
await Promise.all(clients.map((client) => (client.exitCode === null ? once(client, "exit") : undefined)));
process.exit(code ?? (signal === "SIGINT" ? 130 : 1));
