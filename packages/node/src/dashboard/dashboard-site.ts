import type { OperatorAccess } from "../server/operator.ts";
import type { PageFiles } from "../server/page-files.ts";
import type { RateLimit } from "../server/rate-limit.ts";
import type { Reader } from "./read-tasks.ts";
import type { ReportKeys } from "./report-keys.ts";
import type { RunStarter } from "./run-starter.ts";

/** What the routes of the dashboard share. */
export interface DashboardSite {
  /** Folder of runs, absolute. */
  readonly root: string;
  readonly pages: PageFiles;
  readonly access: OperatorAccess;
  readonly reader: Reader;
  readonly reports: ReportKeys;
  readonly starter: RunStarter;
  /** Requests by address. */
  readonly limit: RateLimit;
  /** Told of faults of the dashboard itself. */
  onFault(error: unknown): void;
}
