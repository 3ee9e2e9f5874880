import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { LostConnection, postgresError } from "./postgres-errors.ts";

/** An error as pg gives those that the server reported. */
const reported = (code: string) => Object.assign(new Error("as the server says"), { severity: "ERROR", code });

describe("a failure that PostgreSQL reported", () => {
  it.each([
    ["53100", "store/disk-full"],
    ["42501", "store/not-writable"],
    ["25006", "store/read-only"],
    ["28P01", "ledger/login"],
    ["28000", "ledger/login"],
    ["3D000", "ledger/no-database"],
    ["22021", "ledger/database"],
  ])("%s is an error %s with its next step", (code, expected) => {
    const error = postgresError(reported(code), "postgres://host/name");
    expect(error).toBeInstanceOf(AnabranchError);
    expect(error).toMatchObject({ code: expected, failure: { where: "postgres://host/name" } });
    expect(error.message).toContain(`${code}: as the server says`);
  });

  it.each(["08006", "57P01", "57P02", "57P03", "53300", "40001"])("%s may pass", (code) => {
    expect(postgresError(reported(code), "")).toBeInstanceOf(LostConnection);
  });
});

describe("a failure of the connection", () => {
  it.each([
    Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    new Error("Connection terminated unexpectedly"),
    new Error("Query read timeout"),
  ])("may pass: %s", (error) => {
    expect(postgresError(error, "")).toBeInstanceOf(LostConnection);
  });
});
