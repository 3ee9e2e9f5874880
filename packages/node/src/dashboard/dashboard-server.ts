import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { listenAt, openServer } from "../server/http-server.ts";
import { OperatorAccess } from "../server/operator.ts";
import { PageFiles } from "../server/page-files.ts";
import { RateLimit } from "../server/rate-limit.ts";
import { isRunFolder } from "../store/run-folder.ts";
import { createDashboardApp, dashboardHost, dashboardPage } from "./dashboard-app.ts";
import { ReportKeys } from "./report-keys.ts";
import { RunReader } from "./run-reader.ts";
import { RunStarter, type StarterOptions } from "./run-starter.ts";
import { runNames } from "./runs-list.ts";

export interface DashboardOptions {
  /** Folder of runs. */
  readonly root: string;
  /** Program and arguments of the `anabranch` command, for runs that are started from the page. */
  readonly command: StarterOptions["command"];
  /** Options of `anabranch run` for them. */
  readonly flags: readonly string[];
  /** 0: any that is free. */
  readonly port: number;
  /** Told of faults of the dashboard itself. */
  onFault(error: unknown): void;
}

export interface Dashboard {
  /** Address with the token in its fragment, which browsers do not send. */
  readonly link: string;
  readonly root: string;
  /** Whether a run that was started from the page has not ended. */
  readonly isRunning: boolean;
  /** Stops the run that was started from the page, and waits until it has saved. */
  close(): Promise<void>;
}

/** Requests of one address: a page asks for the list now and then, and for its files once. */
const rate = { burst: 300, perSecond: 50 };

/**
 * Serves the runs below a folder to browsers of this machine.
 *
 * @throws `dashboard/no-pages`, `usage/run-folder`, `server/port-taken`, `server/no-permission`, `store/not-readable`,
 * `store/not-a-folder`
 */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { port, onFault, command, flags } = options;
  const root = resolve(options.root);
  await runNames(root); // a file in its place is an error here, not on the page
  if (await isRunFolder(root)) throw isOneRun(root);
  const pages = PageFiles.open();
  if (pages === undefined || !pages.has(dashboardPage)) throw notBuilt();
  const token = randomBytes(32).toString("base64url");
  const reader = new RunReader();
  const starter = new RunStarter({ root, command, flags });
  const access = new OperatorAccess(token);
  const app = createDashboardApp({
    ...{ root, pages, access, reader, starter, onFault },
    ...{ reports: new ReportKeys(), limit: new RateLimit(rate) },
  });
  const server = openServer((request, peer) => app.fetch(request, { peer }), { trustProxy: false });
  const http = await listenAt(server, dashboardHost, port);
  return {
    link: `http://${dashboardHost}:${http.port}/#token=${token}`,
    root,
    get isRunning() {
      return !["none", "ended"].includes(starter.started.state);
    },
    async close() {
      await http.close();
      await starter.close();
      await reader.close();
    },
  };
}

function isOneRun(root: string): AnabranchError {
  return new AnabranchError({
    code: "usage/run-folder",
    message: "this is the folder of one run",
    where: root,
    expected: "a folder that holds runs, such as runs",
    advice: `Give the folder above it: anabranch dashboard ${resolve(root, "..")}`,
  });
}

function notBuilt(): AnabranchError {
  return new AnabranchError({
    code: "dashboard/no-pages",
    message: "the page of the dashboard was not built",
    advice: "In the clone, run: npm run build -w packages/dashboard. It needs no network.",
  });
}
