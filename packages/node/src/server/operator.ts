import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import type { RunFolder } from "../store/run-folder.ts";
import { HttpError } from "./http-error.ts";

const fileName = "operator-token";
const longestToken = 128;

/** The token that lets its holder steer a run. The process keeps its hash only. */
export class OperatorAccess {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = digest(token);
  }

  /** @param authorization the request's Authorization header */
  holds(authorization: string | undefined): boolean {
    const token = bearerToken(authorization);
    // hashes are compared, so that neither length nor content shows in the time it takes
    return token !== undefined && timingSafeEqual(digest(token), this.#hash);
  }

  /** @throws HttpError 401 `operator/token` */
  require(authorization: string | undefined): void {
    if (this.holds(authorization)) return;
    throw new HttpError(
      401,
      {
        code: "operator/token",
        message: authorization === undefined ? "this needs the operator's token" : "this is not the operator's token",
        advice: `Send "Authorization: Bearer TOKEN" with the token that serve printed. The run's folder has it too, in ${fileName}.`,
      },
      { "WWW-Authenticate": "Bearer" },
    );
  }
}

/** The token of a run, made at first. Its file can be read by this user alone. */
export async function operatorToken(run: RunFolder): Promise<string> {
  const known = await readOperatorToken(run);
  if (known !== undefined) return known;
  const token = randomBytes(32).toString("base64url");
  await run.files.write(join(run.folder, fileName), Buffer.from(`${token}\n`), 0o600);
  return token;
}

/** The token in a run's folder; undefined where there is none, e.g. after a simulation. */
export async function readOperatorToken({ files, folder }: RunFolder): Promise<string | undefined> {
  const bytes = await files.read(join(folder, fileName), longestToken);
  const token = bytes === undefined ? "" : Buffer.from(bytes).toString("utf8").trim();
  return /^[\w-]{32,}$/.test(token) ? token : undefined;
}

/** The token of an Authorization header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? "")?.[1];
  return token !== undefined && token.length <= longestToken ? token : undefined;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
