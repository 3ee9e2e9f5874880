import { AnabranchError } from "@anabranch/engine";

/** Where a run is served, and what lets a client join it. */
export interface JoinAddress {
  /** Scheme, host, port and a path where the server lies below one, without a slash at its end. */
  readonly base: string;
  /** Scheme, host and port alone: what the client signs. */
  readonly origin: string;
  readonly run: string;
  /** A secret: never print it, never put it into an error. */
  readonly token: string;
}

/** Where a token may come from, besides the link. */
export interface TokenSources {
  /** The value of --token; it comes before the link's. */
  readonly token?: string | undefined;
  /** Default: `process.env`; its `ANABRANCH_TOKEN` counts where neither the option nor the link has a token. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Names of runs become names of folders. */
const runName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

const expected = "http(s)://HOST:PORT/join/RUN#token=TOKEN, as anabranch serve prints it";

/**
 * Reads a join link.
 *
 * @throws `usage/join-link` where it is none, `usage/join-token` where no token is given
 */
export function parseJoinUrl(text: string, sources: TokenSources = {}): JoinAddress {
  const url = URL.parse(text.trim());
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) throw noLink(text, text);
  const shown = `${url.origin}${url.pathname}`;
  const match = /^(.*)\/join\/([^/]+)\/?$/.exec(url.pathname);
  // a name and password in an address would be sent to the server with every request
  if (match === null || url.username !== "" || url.password !== "" || url.search !== "") throw noLink(shown, text);
  const run = decoded(match[2]!);
  if (!runName.test(run)) throw noLink(shown, text);
  const token = tokenOf(url, sources);
  if (token === undefined) throw noToken(shown);
  return { base: `${url.origin}${match[1]}`, origin: url.origin, run, token };
}

function tokenOf({ hash }: URL, { token, environment = process.env }: TokenSources): string | undefined {
  const inLink = new URLSearchParams(hash.slice(1)).get("token");
  return [token, inLink, environment["ANABRANCH_TOKEN"]].map((text) => text?.trim()).find((text) => text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param shown what the error may show; the text itself may hold a token */
function noLink(shown: string, text: string): AnabranchError {
  const bare = shown === text ? text.split(/[#?]/)[0]! : shown;
  return new AnabranchError({
    code: "usage/join-link",
    message: "this is not a join link",
    received: JSON.stringify(bare),
    expected,
    advice: "Copy the whole link, and put it in quotes: some shells give # a meaning.",
  });
}

function noToken(shown: string): AnabranchError {
  return new AnabranchError({
    code: "usage/join-token",
    message: "the join link has no token",
    where: shown,
    expected: "a link that ends in #token=TOKEN, --token TOKEN, or the environment variable ANABRANCH_TOKEN",
    advice: "Ask the operator of the server for a link. Other users of this machine cannot see ANABRANCH_TOKEN.",
  });
}
