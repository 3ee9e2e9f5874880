import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeviceTrace, traceDuration } from "./device-trace.ts";

const HEAD = "device,from,until,seconds\n";
const trace = parseDeviceTrace(`${HEAD}0,0,10,2\n0,20,40,4\n1,5,40,1\n`, "t.csv");
const seconds = (client: number, at: number, share = 1) => traceDuration(trace, client, at * 1e6, share) / 1e6;

describe("a trace of devices", () => {
  it("says how fast a device works, and when", () => {
    expect(trace.period).toBe(40);
    expect(seconds(0, 0)).toBe(2);
    expect(seconds(0, 20)).toBe(4);
    // on from 5 s on
    expect(seconds(1, 0)).toBe(6);
    // half of the order before the device is off, half after 20 s
    expect(seconds(0, 9)).toBe(13);
    // the next day
    expect(seconds(0, 39.5)).toBeCloseTo(0.5 + 1.75, 6);
    expect(seconds(2, 0)).toBe(seconds(0, 0));
  });

  it("takes no less time for more work, and at least 1 µs", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 20, noNaN: true }), fc.nat(1), (at, share, client) => {
        const now = seconds(client, at, share);
        expect(now).toBeGreaterThan(0);
        expect(seconds(client, at, share + 0.5)).toBeGreaterThanOrEqual(now);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ["another head", "client,seconds\n", /line 1.*device,from,until,seconds/],
    ["a negative speed", `${HEAD}0,0,10,-2\n`, /line 2.*seconds -2.*0.000001 to 10000000/],
    ["a window that ends before it begins", `${HEAD}0,5,4,1\n`, /until 4.*more than from = 5/],
    ["windows that overlap", `${HEAD}0,0,10,1\n0,9,12,1\n`, /line 3.*at least 10/],
    ["too few values", `${HEAD}0,0,10\n`, /3 values/],
    ["words", `${HEAD}0,0,ten,1\n`, /until NaN/],
    ["a device that is left out", `${HEAD}1,0,10,1\n`, /no line of device 0|devices 0 to 0/],
    ["no devices", HEAD, /no windows/],
  ])("is refused with %s", (_what, text, message) => {
    expect(() => parseDeviceTrace(text, "t.csv")).toThrow(message);
  });
});
