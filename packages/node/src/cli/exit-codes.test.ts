import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "./exit-codes.ts";

describe("the exit status", () => {
  it.each([
    ["config/conflict", 2],
    ["adapters/target", 2],
    ["attack/target", 2],
    ["parameters/unknown", 2],
    ["submodels/chain", 2],
    ["topology/connected", 2],
    ["executor/unknown", 2],
    ["data/missing", 3],
    ["run/not-found", 4],
    ["run/interrupted", 130],
    ["live/unreachable", 1],
    ["run/clients-failed", 1],
  ])("of %s is %d", (code, status) => {
    expect(exitCodeOf(new AnabranchError({ code, message: "it" }))).toBe(status);
  });

  it("of an error without a code is 1", () => {
    expect(exitCodeOf(new Error("it"))).toBe(1);
  });
});
