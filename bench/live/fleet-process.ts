import { parseJoinUrl } from "../../packages/node/src/client/join-url.ts";
import { NoOpClient } from "./no-op-client.ts";

/**
 * `node fleet-process.ts LINK FIRST COUNT`: clients FIRST to FIRST + COUNT - 1 in one process. Prints a line of JSON when
 * all have joined, and one when the run is over.
 */
const [link = "", first = "0", count = "1"] = process.argv.slice(2);
/** Handshakes at a time: a server is not asked to take more at once than a crowd would bring. */
const atATime = 50;

const address = parseJoinUrl(link);
const clients = Array.from({ length: Number(count) }, (_, i) => new NoOpClient(address, Number(first) + i));
const begun = performance.now();
const waiting = clients.values();
await Promise.all(
  Array.from({ length: atATime }, async () => {
    for (const client of waiting) await client.join();
  }),
);
console.log(JSON.stringify({ type: "joined", seconds: (performance.now() - begun) / 1000 }));
await Promise.all(clients.map(({ finished }) => finished));
for (const client of clients) client.close();
const down = clients.flatMap(({ transfers }) => transfers.down);
const up = clients.flatMap(({ transfers }) => transfers.up);
console.log(JSON.stringify({ type: "finished", down, up }));
