import { join } from "node:path";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { usualPace } from "./body.ts";
import { certificateNames, type Whereabouts } from "./door.ts";
import { type HttpServer, listen } from "./http-server.ts";
import { type Logger, openLog, RunLogs } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { PageFiles } from "./page-files.ts";
import { isLoopback } from "./peer.ts";
import { requireSafe } from "./public-bind.ts";
import { RateLimit } from "./rate-limit.ts";
import type { ServedRun } from "./served-run.ts";
import type { Site, SiteLimits } from "./site.ts";
import { type OpenTls, openTls, type TlsChoice } from "./tls.ts";
import { keptTrialCertificate } from "./trial-certificate.ts";

export interface SiteOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The address that clients use where it is another one. */
  readonly publicUrl?: string | undefined;
  readonly tls?: TlsChoice | undefined;
  /** Whether other machines may connect without TLS. */
  readonly insecure: boolean;
  readonly trustProxy: boolean;
  /** File of the server's log; "-": standard error; default: server.log in the folder of each run. */
  readonly log?: string | undefined;
  /** How many runs will be served. */
  readonly runs: number;
  /** Folders of those that are resumed. */
  readonly resumed: readonly string[];
}

/** Requests of one address: a proxy or a router may stand for many clients. */
const addressRate = { burst: 3000, perSecond: 300 };
const sessionRate = { burst: 120, perSecond: 30 };
const messageRate = { burst: 120, perSecond: 20 };

/** A server that listens, and the runs that it serves. Rates and connections are limited for all of them together. */
export class ListeningSite implements Site, Whereabouts {
  readonly host: string;
  readonly publicUrl: string | undefined;
  readonly tls: OpenTls | undefined;
  readonly runs = new Map<string, ServedRun>();
  readonly addresses: Site["addresses"];
  readonly trustProxy: boolean;
  readonly openReading: boolean;
  readonly pages = PageFiles.open();
  readonly log: Logger;
  readonly metrics = new Metrics();
  readonly pace = usualPace;
  readonly limits: SiteLimits = {
    address: new RateLimit(addressRate),
    session: new RateLimit(sessionRate),
    message: new RateLimit(messageRate),
  };
  /** Runs that are still being opened. */
  #opening: number;
  readonly #logs: RunLogs | undefined;
  #http: HttpServer | undefined;

  private constructor(options: SiteOptions, tls: OpenTls | undefined) {
    const { host, publicUrl, trustProxy, log, runs } = options;
    this.host = host;
    this.publicUrl = publicUrl;
    this.tls = tls;
    this.addresses = { host, publicUrl };
    this.trustProxy = trustProxy;
    this.openReading = isLoopback(host) && publicUrl === undefined && !trustProxy;
    this.#logs = log === undefined ? new RunLogs() : undefined;
    this.log = this.#logs?.shared ?? openLog(log === "-" ? undefined : log);
    this.#opening = runs;
  }

  /**
   * Listens. Clients are told to wait until the runs are there.
   *
   * @throws `server/...`, `tls/...`, `store/...`
   */
  static async open(options: SiteOptions): Promise<ListeningSite> {
    const { host, port, insecure } = options;
    requireSafe(host, options.tls !== undefined, insecure);
    const tls = await chosenTls(options);
    const site = new ListeningSite(options, tls);
    site.#http = await listen(site, { host, port, tls });
    return site;
  }

  get isStarting(): boolean {
    return this.#opening > 0;
  }

  get port(): number {
    return this.#http!.port;
  }

  /** The log of a run. */
  openLog({ id, folder }: RunFolder): Logger {
    return this.#logs?.open(join(folder, "server.log")) ?? this.log.child({ run: id });
  }

  /** A run can be joined, or will not be opened. */
  opened(run: ServedRun | undefined): void {
    if (run !== undefined) this.runs.set(run.id, run);
    this.#opening--;
  }

  async close(): Promise<void> {
    for (const run of this.runs.values()) run.events.close();
    await this.#http?.close();
  }
}

/** A trial that is resumed keeps its certificate: its clients have pinned it. */
async function chosenTls({ tls, host, publicUrl, resumed }: SiteOptions): Promise<OpenTls | undefined> {
  if (tls === undefined) return undefined;
  const kept = await Promise.all(resumed.map(async (folder) => keptTrialCertificate(await openRunFolder(folder))));
  const best = kept.find((one) => one !== undefined && one !== "damaged") ?? kept.find((one) => one === "damaged");
  return openTls(tls, certificateNames(host, publicUrl), best);
}
