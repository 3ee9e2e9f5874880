import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { parseJoinUrl, type TokenSources } from "./join-url.ts";

const environment = {};

function failureOf(text: string, sources: TokenSources = { environment }): AnabranchError {
  try {
    parseJoinUrl(text, sources);
  } catch (error) {
    if (error instanceof AnabranchError) return error;
  }
  throw new Error(`${text} was not refused`);
}

describe("a join link", () => {
  it.each([
    ["http://127.0.0.1:8080/join/abc234#token=t1", "http://127.0.0.1:8080", "http://127.0.0.1:8080", "abc234", "t1"],
    [
      "https://fl.example.org/join/abc234/#token=a%2Bb",
      "https://fl.example.org",
      "https://fl.example.org",
      "abc234",
      "a+b",
    ],
    ["http://[::1]:8080/join/abc234#token=t1", "http://[::1]:8080", "http://[::1]:8080", "abc234", "t1"],
    ["  https://h/a/b/join/r-1#x=1&token=t1\n", "https://h/a/b", "https://h", "r-1", "t1"],
  ])("%s is taken apart", (text, base, origin, run, token) => {
    expect(parseJoinUrl(text, { environment })).toEqual({ base, origin, run, token });
  });

  it("takes its token from the option, the link and the environment, in this order", () => {
    const link = "http://h:1/join/abc234";
    const environment = { ANABRANCH_TOKEN: "environment" };
    expect(parseJoinUrl(`${link}#token=link`, { environment, token: "option" }).token).toBe("option");
    expect(parseJoinUrl(`${link}#token=link`, { environment }).token).toBe("link");
    expect(parseJoinUrl(link, { environment }).token).toBe("environment");
    expect(parseJoinUrl(link, { environment: {}, token: " option " }).token).toBe("option");
    expect(failureOf(link).code).toBe("usage/join-token");
    expect(failureOf(`${link}#token=`).code).toBe("usage/join-token");
  });

  it.each([
    "",
    "abc234",
    "127.0.0.1:8080/join/abc234#token=secret",
    "ftp://h/join/abc234#token=secret",
    "ws://h/join/abc234#token=secret",
    "http://h/#token=secret",
    "http://h/join/#token=secret",
    "http://h/join/abc234/more#token=secret",
    "http://h/join/abc234?token=secret",
    "http://user:secret@h/join/abc234#token=secret",
    "http://h/join/..%2f..%2fetc#token=secret",
    "http://h/join/%2e%2e#token=secret",
    "http://h/join/.hidden#token=secret",
    "http://h/join/%zz#token=secret",
    `http://h/join/${"a".repeat(129)}#token=secret`,
  ])("%s is refused without showing a secret", (text) => {
    const { code, message } = failureOf(text);
    expect(code).toBe("usage/join-link");
    expect(message).not.toContain("secret");
  });
});
