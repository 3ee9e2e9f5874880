import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { readServerMessage } from "./read-message.ts";

describe("a message of the server", () => {
  it("is read by its schema", () => {
    expect(readServerMessage('{"type":"closed","order":"1/2/0","code":"live/late"}')).toEqual({
      type: "closed",
      order: "1/2/0",
      code: "live/late",
    });
  });

  it.each([
    "",
    "nothing",
    "null",
    "[]",
    "{}",
    '{"type":"code","run":"x"}',
    '{"type":"closed","order":1,"code":"x"}',
  ])("%j is refused with a next step", (text) => {
    try {
      readServerMessage(text);
    } catch (error) {
      expect(error).toBeInstanceOf(AnabranchError);
      expect(error).toMatchObject({ code: "live/message", failure: { advice: expect.stringContaining("version") } });
      return;
    }
    throw new Error("the message was not refused");
  });
});
