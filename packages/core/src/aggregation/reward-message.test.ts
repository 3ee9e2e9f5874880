import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reward, rewardedPlaces } from "./reputation.ts";
import { decodeReward, encodeReward } from "./reward-message.ts";

const layers = [4, 3];
const aggregate = Float64Array.of(1, -4, 3, 2, 0.5, -0.6, 0.1);

describe("the message of a reward", () => {
  it("is what a client receives, after its way in bytes", () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(shares, (values) => {
        const places = rewardedPlaces(aggregate, layers, { values }, 1);
        const received = decodeReward(encodeReward(aggregate, layers, places), layers, 8);
        expect(received).toEqual(reward(aggregate, layers, { round: 1, values, reputable: [0, 1] }, 1));
      }),
    );
  });

  it("has a count, values and places for each layer", () => {
    const bytes = encodeReward(Float32Array.from(aggregate), layers, [Uint32Array.of(1), Uint32Array.of()]);
    expect(bytes.length).toBe(4 + 4 + 1 + 4);
    expect(Array.from(decodeReward(bytes, layers, 4))).toEqual([0, -4, 0, 0, 0, 0, 0]);
  });

  it.each([
    ["cut off", (bytes: Uint8Array) => bytes.subarray(0, 6)],
    ["more entries than its layer has", (bytes: Uint8Array) => Uint8Array.from(bytes).fill(200, 0, 1)],
    ["bytes at its end", (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
  ])("is refused with %s", (_what, broken) => {
    const bytes = encodeReward(aggregate, layers, [Uint32Array.of(1), Uint32Array.of(0, 2)]);
    expect(() => decodeReward(broken(bytes), layers, 8)).toThrow(expect.objectContaining({ code: "update/codec" }));
  });
});
