import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { openLog } from "./log.ts";

it.skipIf(!existsSync("/dev/full"))("a log on a full disk ends nothing", () => {
  const log = openLog("/dev/full");
  for (let i = 0; i < 100; i++) log.info({ i }, "a line");
});

it("a log that cannot be opened is refused with a reason", () => {
  expect(() => openLog("/no/such/folder/server.log")).toThrow(
    expect.objectContaining({ code: "store/no-folder" }) as Error,
  );
});
