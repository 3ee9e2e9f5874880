import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

/** Whether the bytes of a client lead to a cut: before they are passed on, after they were, or not at all. */
export type Cut = "before" | "after" | undefined;

/** A Unix socket before PostgreSQL's that cuts connections: `PATH/.s.PGSQL.5432` in a folder of its own. */
export async function cuttingProxy(
  folder: string,
  target: string,
  decide: (sent: string) => Cut,
): Promise<{ close(): Promise<void> }> {
  const path = join(folder, ".s.PGSQL.5432");
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
    }
    upstream.on("data", (bytes) => client.write(bytes));
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.end());
    client.on("data", (bytes) => {
      const cut = decide(bytes.toString("latin1"));
      if (cut !== "before") upstream.write(bytes);
      if (cut !== undefined) {
        upstream.removeAllListeners("data").resume();
        client.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}
