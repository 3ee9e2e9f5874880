import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { obstacle, takeLink } from "./link.ts";

const at = (address: string) => new URL(address) as unknown as Location;
const memory = () => {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  };
};

function take(address: string, kept = memory()) {
  const shown: string[] = [];
  const history = { replaceState: (_state: unknown, _title: string, path: string) => shown.push(path) };
  const link = takeLink(at(address), history as unknown as History, kept as unknown as Storage);
  return { link, shown, kept };
}

describe("a join link", () => {
  it("gives run, routes and token, and loses the token in the address bar", () => {
    const { link, shown } = take("http://127.0.0.1:8080/join/abc#token=secret");
    expect(link).toEqual({ run: "abc", api: "http://127.0.0.1:8080/api/runs/abc", token: "secret" });
    expect(shown).toEqual(["/join/abc"]);
  });

  it("may lie below a path", () => {
    expect(take("https://host/federation/join/abc#token=x").link.api).toBe("https://host/federation/api/runs/abc");
  });

  it("is remembered for a reload of the tab, for its run alone", () => {
    const { kept } = take("http://127.0.0.1:8080/join/abc#token=secret");
    expect(take("http://127.0.0.1:8080/join/abc", kept).link.token).toBe("secret");
    expect(take("http://127.0.0.1:8080/join/other", kept).link.token).toBe("");
  });
});

describe("what keeps a browser from taking part", () => {
  const link = { run: "abc", api: "", token: "secret" };
  beforeEach(() => {
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("indexedDB", {});
    vi.stubGlobal("Worker", class {});
    vi.stubGlobal("navigator", { locks: {} });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("is nothing in a browser of today", () => {
    expect(obstacle(link)).toBeUndefined();
  });

  it("is a page without HTTPS, said before anything else", () => {
    vi.stubGlobal("isSecureContext", false);
    vi.stubGlobal("navigator", {});
    expect(obstacle(link)).toMatchObject({ code: "client/insecure", advice: expect.stringContaining("https://") });
  });

  it("is a browser without WebAssembly", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(obstacle(link)?.code).toBe("client/webassembly");
  });

  it("is an old browser", () => {
    vi.stubGlobal("navigator", {});
    expect(obstacle(link)?.code).toBe("client/browser");
  });

  it("is a link without its token", () => {
    expect(obstacle({ ...link, token: "" })?.code).toBe("client/no-token");
  });
});
