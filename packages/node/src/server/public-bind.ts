import { AnabranchError } from "@anabranch/core";
import { isLoopback } from "./peer.ts";

/**
 * Refuses to be reached by other machines in plain text: join tokens, models and updates could be read and changed on the
 * way.
 *
 * @throws `server/insecure`
 */
export function requireSafe(host: string, hasTls: boolean, insecure: boolean): void {
  if (isLoopback(host) || hasTls || insecure) return;
  throw new AnabranchError({
    code: "server/insecure",
    message: "other machines would reach this server without encryption",
    where: `--host ${host}`,
    expected: "--tls-cert and --tls-key, or --tls self for a trial",
    advice:
      "Add one of these, or let a reverse proxy with TLS pass requests to 127.0.0.1. On a network that you trust, add --insecure.",
  });
}
