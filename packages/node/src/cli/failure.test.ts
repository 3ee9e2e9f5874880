import { expect, it } from "vitest";
import { renderFailure } from "./failure.ts";

it("asks for a report of an error that is not the user's", () => {
  expect(renderFailure(new TypeError("x is undefined"), 100)).toEqual([
    "error internal: TypeError: x is undefined",
    "  This is a bug in Anabranch; please report it. ANABRANCH_DEBUG=1 shows where it happened.",
  ]);
});
