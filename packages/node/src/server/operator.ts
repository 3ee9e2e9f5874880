import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { OPERATOR_TOKEN, type RunFolder } from "../store/run-folder.ts";
import { HttpError } from "./http-error.ts";

const longestToken = 128;
const longestFile = 8192;

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
        advice: `Give the token that serve printed: with --token, or as "Authorization: Bearer TOKEN". The run's folder has it too, in ${OPERATOR_TOKEN}.`,
      },
      { "WWW-Authenticate": "Bearer" },
    );
  }
}

/** What the file of a run says of its operator: the token, then the addresses at which the server is reached. */
export interface OperatorFile {
  readonly token: string;
  /** e.g. "http://127.0.0.1:8080" */
  readonly origins: readonly string[];
}

/** The token of a run, made when it is first served. */
export async function operatorToken(run: RunFolder): Promise<string> {
  const known = await readOperatorFile(run);
  if (known !== undefined) return known.token;
  const token = randomBytes(32).toString("base64url");
  await writeOperatorFile(run, { token, origins: [] });
  return token;
}

/** Only this user can read the file. */
export async function writeOperatorFile({ files, folder }: RunFolder, { token, origins }: OperatorFile): Promise<void> {
  const text = [token, ...origins].map((line) => `${line}\n`).join("");
  await files.write(join(folder, OPERATOR_TOKEN), Buffer.from(text), 0o600);
}

/** The file in a run's folder; undefined where there is none, e.g. after a simulation. */
export async function readOperatorFile({ files, folder }: RunFolder): Promise<OperatorFile | undefined> {
  const bytes = await files.read(join(folder, OPERATOR_TOKEN), longestFile);
  const [token = "", ...origins] = Buffer.from(bytes ?? [])
    .toString("utf8")
    .trim()
    .split("\n");
  return /^[\w-]{32,}$/.test(token) ? { token, origins } : undefined;
}

/** The token of an Authorization header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? "")?.[1];
  return token !== undefined && token.length <= longestToken ? token : undefined;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
