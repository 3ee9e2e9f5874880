import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperatorAccess } from "../../server/operator.ts";
import { PageFiles } from "../../server/page-files.ts";
import type { Peer } from "../../server/peer.ts";
import { type Rate, RateLimit } from "../../server/rate-limit.ts";
import { exampleEvents } from "../../store/example-events.ts";
import { createDashboardApp } from "../dashboard-app.ts";
import { directReader } from "../direct-reader.ts";
import { ReportKeys } from "../report-keys.ts";
import type { RunList } from "../run-list.ts";
import { RunStarter } from "../run-starter.ts";

const token = "a-token-for-tests-of-the-dashboard";
/** The real command. */
const command = [process.execPath, fileURLToPath(new URL("../../cli/main.ts", import.meta.url))] as const;
const peer: Peer = { address: "127.0.0.1", local: "127.0.0.1", port: 8090, encrypted: false };

/** A dashboard without a socket, whose folder of runs is a new one. */
export interface TestDashboard {
  /** Folder of runs; it does not exist at first. */
  readonly root: string;
  readonly faults: unknown[];
  /** A request with the token, unless `headers` say otherwise. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON of an answer. */
  json(path: string, init?: RequestInit): Promise<unknown>;
  /** The list of runs, once all logs are read: one request reads for a second. */
  list(): Promise<RunList>;
  /** Writes a run's folder with events, and gives its path. */
  run(name: string, events?: string): Promise<string>;
  close(): Promise<void>;
}

export async function testDashboard(rate: Rate = { burst: 10_000, perSecond: 10_000 }): Promise<TestDashboard> {
  const base = await mkdtemp(join(tmpdir(), "anabranch-dashboard-"));
  const [root, pages] = [join(base, "runs"), join(base, "pages")];
  await mkdir(join(pages, "runs"), { recursive: true });
  await writeFile(join(pages, "runs", "index.html"), "the dashboard");
  const reader = directReader(new Set(), () => {});
  const starter = new RunStarter({ root, command, flags: ["--workers", "0"] });
  const faults: unknown[] = [];
  const app = createDashboardApp({
    ...{ root, reader, starter, access: new OperatorAccess(token), pages: new PageFiles(pages) },
    reports: new ReportKeys(),
    limit: new RateLimit(rate),
    onFault: (error) => faults.push(error),
  });
  const request = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers({ host: "127.0.0.1:8090", authorization: `Bearer ${token}` });
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    return app.request(`http://127.0.0.1:8090${path}`, { ...init, headers }, { peer });
  };
  return {
    ...{ root, faults, request },
    list: () => wholeList(async () => (await (await request("/api/runs")).json()) as RunList),
    json: async (path, init) => (await request(path, init)).json(),
    async run(name, events = linesOf(exampleEvents({ rounds: 2 }))) {
      const folder = join(root, name);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "events.jsonl"), events);
      return folder;
    },
    async close() {
      await starter.close();
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** Asks until no log is left to be read. */
export async function wholeList(ask: () => Promise<RunList>): Promise<RunList> {
  for (;;) {
    const list = await ask();
    if (list.pending === 0) return list;
  }
}

export function linesOf(events: readonly unknown[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
