import { AnabranchError } from "@anabranch/core";
import { hasCode } from "../store/storage-error.ts";

/** Why a port cannot be used, and what to do. Errors of other kinds come back as they are. */
export function listeningError(error: unknown, host: string, port: number): unknown {
  if (!hasCode(error)) return error;
  const where = `${host}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new AnabranchError({
        code: "server/port-taken",
        message: "another program uses this port",
        where,
        advice: `Choose another one with --port, e.g. --port ${port + 1}, or --port 0 for any that is free.`,
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new AnabranchError({
        code: "server/no-permission",
        message: "the system does not let this user open the port",
        where,
        advice: "Choose a port of 1024 or more with --port. For port 443 put a reverse proxy before it.",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new AnabranchError({
        code: "server/host",
        message: "this machine has no such address",
        where: host,
        expected: "127.0.0.1 for this machine alone, 0.0.0.0 for all of its addresses, or one of them",
        advice: "Check --host. For the name that clients use, add --public-url URL.",
        cause: error,
      });
    default:
      return error;
  }
}
