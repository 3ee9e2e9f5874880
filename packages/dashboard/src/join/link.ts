import type { Failure } from "@anabranch/engine";

/** Where a run is served, and what lets this browser join it. */
export interface Link {
  readonly run: string;
  /** Address of the run's routes, without a slash at its end. */
  readonly api: string;
  readonly token: string;
}

/**
 * Reads the page's address, .../join/RUN#token=TOKEN, and takes the token out of it, so that it shows neither on the screen
 * nor in the history. The tab remembers it for a reload.
 */
export function takeLink(at: Location, history: History, memory: Storage): Link {
  const match = /^(.*)\/join\/([^/]+)$/.exec(at.pathname);
  const run = decodeURIComponent(match?.[2] ?? "");
  const key = `anabranch token of ${run}`;
  const given = new URLSearchParams(at.hash.slice(1)).get("token");
  if (given !== null) {
    memory.setItem(key, given);
    history.replaceState(null, "", at.pathname);
  }
  const api = `${at.origin}${match?.[1] ?? ""}/api/runs/${encodeURIComponent(run)}`;
  return { run, api, token: given ?? memory.getItem(key) ?? "" };
}

/** What keeps this browser from taking part, if anything. */
export function obstacle({ token }: Link): Failure | undefined {
  if (!isSecureContext) return insecure;
  if (typeof WebAssembly === "undefined") return noWebAssembly;
  if (typeof Worker === "undefined" || typeof indexedDB === "undefined" || navigator.locks === undefined) return tooOld;
  return token === "" ? noToken : undefined;
}

const insecure: Failure = {
  code: "client/insecure",
  message: "browsers allow training only on pages that come by HTTPS, and this one does not",
  advice:
    "Ask the operator for a link that begins with https://. On the computer that runs the server, http://127.0.0.1 works too.",
};

const noWebAssembly: Failure = {
  code: "client/webassembly",
  message: "this browser does not run WebAssembly, which training needs",
  advice: "Leave the lockdown or strict mode of the browser for this site, or use another browser.",
};

const tooOld: Failure = {
  code: "client/browser",
  message: "this browser is too old for this page, or does not let it store data",
  advice: "Update the browser, and leave private browsing.",
};

const noToken: Failure = {
  code: "client/no-token",
  message: "this link has no token, so the server would not let you in",
  advice: "Open the whole link that the operator sent you. It ends in #token= and a word of letters and digits.",
};
