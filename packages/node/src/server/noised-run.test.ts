import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "@anabranch/core";
import type { ClientPrivacy } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinRun } from "../client/join-run.ts";
import { parseJoinUrl } from "../client/join-url.ts";
import { pointsCsv, pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { serveAlone } from "./testing/serve-alone.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-noised-run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Examples of each client: numbers that appear nowhere else. */
const EXAMPLES = [100_003, 100_019, 100_043];

const noised: ConfigInput = {
  rounds: 2,
  algorithm: { name: "dp-fedavg" },
  sampler: { name: "uniform", cohort: 3 },
  privacy: { mechanism: "discrete-gaussian", clipNorm: 0.5, noiseMultiplier: 1, delta: 1e-3, minimumSurvivors: 3 },
  secureAggregation: { protocol: "bonawitz" },
};

interface Kept {
  readonly name: string;
  readonly bytes: Buffer;
}

/** All that the server has written and shown. */
async function recordOf(runFolder: string, shown: readonly string[]): Promise<readonly Kept[]> {
  const entries = await readdir(runFolder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const written = files.map(async (name) => ({ name, bytes: await readFile(name) }));
  return [...(await Promise.all(written)), ...shown.map((text) => ({ name: "shown", bytes: Buffer.from(text) }))];
}

/** Whether a number is in a file: in digits, as a float64, or in the ledger as an integer. Weights have any three bytes. */
function holds({ name, bytes }: Kept, value: number): boolean {
  const [float, integer] = [Buffer.alloc(8), Buffer.alloc(4)];
  float.writeDoubleLE(value);
  integer.writeUInt32BE(value); // as SQLite writes integers
  const inLedger = name.includes("ledger.sqlite") && bytes.includes(integer.subarray(1));
  return (
    new RegExp(`(?<![\\w.])${value}(?![\\w.])`).test(bytes.toString("latin1")) || bytes.includes(float) || inLedger
  );
}

describe("a run whose clients add noise", { timeout: 180_000 }, () => {
  it("keeps no number of a client's data at the server, and gives clients their epsilon", async () => {
    const { config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), noised);
    const opened = Promise.withResolvers<Door>();
    const shown: string[] = [];
    const look = async (door: Door, path: string) => {
      const headers = { authorization: `Bearer ${door.operatorToken}` };
      shown.push(await (await fetch(`${door.url}${path}`, { headers })).text());
    };
    const served = serveAlone(
      {
        ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
        ...{ minimumClients: 3, progressSeconds: 60, onOpen: opened.resolve },
        onNotice: (notice) => void shown.push(JSON.stringify(notice)),
      },
      { runs: join(folder, "live") },
      (options) => startRun(config, options),
    );
    served.catch(opened.reject);
    const door = await opened.promise;
    const privacy: (ClientPrivacy | undefined)[] = [];
    const client = async (number: number, maxEpsilon: number) => {
      const file = join(folder, `client-${number}.csv`);
      await writeFile(file, pointsCsv(EXAMPLES[number]!, number));
      return joinRun({
        address: parseJoinUrl(door.joinLink),
        trust: { kind: "authorities" },
        ...{ data: `csv:${file}?label=label`, client: undefined, dataDir: undefined, name: undefined, labels: {} },
        ...{ algorithm: undefined, folder: join(folder, `client-${number}`), limits: { epsilon: maxEpsilon } },
        ...{ executor: "onnxruntime-node", giveUpAfterSeconds: 60, signal: new AbortController().signal },
        report(event) {
          if (event.type === "joined") privacy.push(event.privacy);
          if (event.type === "answered" && event.stage === "mask")
            void Promise.all([look(door, `/api/runs/${door.run}/status`), look(door, "/metrics")]).catch(() => {});
        },
        warn: () => {},
      });
    };
    await expect(client(0, 1e-3)).rejects.toMatchObject({ code: "client/epsilon" });
    await Promise.all(EXAMPLES.map((_, number) => client(number, 100)));
    const { result } = await served;
    expect(result).toMatchObject({ round: 2, stopped: "finished" });

    const record = await recordOf(door.folder, shown);
    expect(shown.some((text) => text.includes('"clients"'))).toBe(true);
    expect(record.some(({ bytes }) => bytes.includes("honest but curious"))).toBe(true);
    expect(record.some(({ name }) => name.includes("ledger.sqlite"))).toBe(true);
    for (const value of EXAMPLES) {
      expect(holds({ name: "", bytes: Buffer.from(`{"examples":${value}}`) }, value)).toBe(true);
      expect(record.filter((kept) => holds(kept, value)).map(({ name }) => name)).toEqual([]);
    }

    const events = (await readFile(join(door.folder, "events.jsonl"), "utf8")).trim().split("\n");
    const ended = events.map((line) => JSON.parse(line)).filter(({ type }) => type === "round.finished");
    expect(ended).toHaveLength(2);
    for (const event of ended) expect(event).toMatchObject({ loss: null, clients: 3, clientLossMin: null });
    expect(new Set(privacy.map((one) => one?.epsilon))).toEqual(new Set([ended[1].privacy.epsilon]));
  });
});
