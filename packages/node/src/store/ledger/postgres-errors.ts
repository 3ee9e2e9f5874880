import { AnabranchError } from "@anabranch/engine";

/** The connection broke, or the server ended it: a new one may succeed. */
export class LostConnection extends Error {}

/** Classes and codes of SQLSTATE after which a new connection may succeed: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const passing = /^(08|40|57P0[1235]|53300$|55P03$|58030$)/;

/**
 * A failure of PostgreSQL as an error a user can act on, or as `LostConnection` where it may pass.
 *
 * @param place address of the database without its password
 */
export function postgresError(error: unknown, place: string): Error {
  if (error instanceof AnabranchError || error instanceof LostConnection) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const code = sqlState(error);
  // what the server did not report is a failure of the connection, such as ECONNREFUSED
  if (code === undefined || passing.test(code)) return new LostConnection(message, { cause: error });
  return new AnabranchError({ ...known(code), where: place, received: `${code}: ${message}`, cause: error });
}

/** The error when no new connection succeeded in time. */
export function unreachable(lost: LostConnection, place: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/unreachable",
    message: "the database of the ledger cannot be reached",
    where: place,
    received: lost.message,
    advice: "What was accepted before is intact. Start PostgreSQL or check its address, then continue the run.",
    cause: lost.cause,
  });
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function known(code: string): { code: string; message: string; advice: string } {
  if (/^28/.test(code)) {
    return {
      code: "ledger/login",
      message: "PostgreSQL refused the user or the password",
      advice: "Correct them in the address of the ledger or in the file .pgpass.",
    };
  }
  switch (code) {
    case "3D000":
      return {
        code: "ledger/no-database",
        message: "PostgreSQL has no database of this name",
        advice: "Create it with createdb, or correct the address of the ledger.",
      };
    case "42501":
      return {
        code: "store/not-writable",
        message: "this user of PostgreSQL may not write the ledger",
        advice: "Let the owner of the database run: CREATE SCHEMA anabranch AUTHORIZATION user",
      };
    case "25006":
      return {
        code: "store/read-only",
        message: "this PostgreSQL takes no writes; it may be a standby",
        advice: "Give the address of the primary server.",
      };
    case "53100":
      return {
        code: "store/disk-full",
        message: "the disk of PostgreSQL has no room for the ledger",
        advice: "What was accepted before is intact. Free space, then continue the run.",
      };
    default:
      return {
        code: "ledger/database",
        message: "PostgreSQL refused a statement of the ledger",
        advice: "What was accepted before is intact. The log of PostgreSQL may say more.",
      };
  }
}
