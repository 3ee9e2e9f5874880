import { expect, it } from "vitest";
import { TaskMeter } from "./task-meter.ts";

it("counts the clients beyond the bound, and adds up processor time", () => {
  const meter = new TaskMeter();
  for (const norm of [0.5, 1, 3.5, 7]) meter.add({ norm });
  meter.add(undefined); // a live client
  expect(meter.clipping(1)).toEqual({ clients: 4, meanNorm: 3, clipNorm: 1, clippedShare: 0.5 });
  expect(meter.cpuSeconds).toBeUndefined();
  meter.add({ norm: 0, cpuSeconds: 0.25 });
  meter.add({ norm: 0, cpuSeconds: 0.5 });
  expect(meter.cpuSeconds).toBe(0.75);
  expect(new TaskMeter().clipping(1)).toBeUndefined();
});
