import { describe, expect, it } from "vitest";
import { AnabranchError } from "./errors.ts";

describe("AnabranchError", () => {
  it("shows what failed, where, what came, what should have, and what to do", () => {
    const error = new AnabranchError({
      code: "data/empty",
      message: "a file has no rows",
      where: "x.csv",
      received: "nothing",
      expected: "rows",
      advice: "Add some.",
    });
    expect(error.message).toBe("a file has no rows (x.csv); received nothing; expected rows. Add some.");
  });

  it("cuts what a file made long", () => {
    const error = new AnabranchError({ code: "a/b", message: "m", received: "x".repeat(1e6), where: "y".repeat(1e6) });
    expect(error.message.length).toBeLessThan(4100);
    expect(error.failure.received).toHaveLength(2003);
  });
});
