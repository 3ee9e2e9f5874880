import { AnabranchError } from "@anabranch/engine";

/** What the command's exit status says. Scripts rely on these numbers. */
export const exitCodes = {
  ok: 0,
  /** A run failed or diverged, a check failed, or the program has an error of its own. */
  failed: 1,
  /** The command line or the configuration is wrong, or a server and a client refuse each other. */
  usage: 2,
  /** Data are missing, damaged or do not fit. */
  data: 3,
  /** There is no such run, or several fit what was asked for. */
  notFound: 4,
  /** Stopped by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

/** The same for help texts, one line each. */
export const exitCodeLines: readonly string[] = [
  "0    success",
  "1    a run failed or a check failed",
  "2    wrong command line or configuration; a client of a live run was refused",
  "3    data are missing or damaged",
  "4    no such run, or the name is ambiguous",
  "130  interrupted (Ctrl-C); the run can be resumed",
];

/** Areas of error codes (the part before the slash) that stand for a mistake in the command line or configuration. */
const usageAreas = new Set([
  "usage",
  "config",
  "algorithm",
  "model",
  "partition",
  "compression",
  "params",
  "local",
  "privacy",
  "trust",
  "method",
  "live",
  "client",
  "identity",
  "operator",
  "adapters",
  "attack",
  "parameters",
  "submodels",
  "topology",
]);
/** Single codes of other areas that do. */
const usageCodes = new Set([
  "executor/unknown",
  "secure-aggregation/parameters",
  "blob/address",
  "blob/credentials",
  "blob/other-place",
]);
const dataAreas = new Set(["data", "download", "safetensors"]);

/** The exit status for a failed command. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AnabranchError)) return exitCodes.failed;
  if (["run/not-found", "run/ambiguous", "server/which-run"].includes(error.code)) return exitCodes.notFound;
  if (usageCodes.has(error.code)) return exitCodes.usage;
  if (error.code === "live/unreachable") return exitCodes.failed;
  if (error.code === "run/interrupted") return exitCodes.interrupted;
  const area = error.code.split("/")[0]!;
  if (usageAreas.has(area)) return exitCodes.usage;
  return dataAreas.has(area) ? exitCodes.data : exitCodes.failed;
}
