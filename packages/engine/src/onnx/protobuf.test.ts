import { expect, it } from "vitest";
import { MessageWriter } from "./protobuf.ts";

const hex = (w: MessageWriter) => Buffer.from(w.finish()).toString("hex");

// the examples of protobuf.dev/programming-guides/encoding
it("writes the examples of the protobuf documentation", () => {
  expect(hex(new MessageWriter().varint(1, 150))).toBe("089601");
  expect(hex(new MessageWriter().text(2, "testing"))).toBe("120774657374696e67");
  expect(hex(new MessageWriter().message(3, new MessageWriter().varint(1, 150)))).toBe("1a03089601");
  expect(hex(new MessageWriter().packedVarints(6, [3, 270, 86942]))).toBe("3206038e029ea705");
});

it("writes negative numbers in ten bytes and floats little-endian", () => {
  expect(hex(new MessageWriter().varint(1, -2))).toBe("08feffffffffffffffff01");
  expect(hex(new MessageWriter().float(2, 1))).toBe("150000803f");
});

it("grows", () => {
  const long = new MessageWriter().bytes(1, new Uint8Array(1000)).varint(2, 1).finish();
  expect(long.length).toBe(3 + 1000 + 2);
});
