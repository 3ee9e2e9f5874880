import { describe, expect, it } from "vitest";
import { measureFlatness, type Probe } from "./flatness.ts";

const clients = [
  { a: [1, 2, 1], b: [1, -1, 0.5] },
  { a: [3, 1, 2], b: [-1, 2, 1] },
  { a: [0.5, 4, 1], b: [2, 0, -1] },
];
type Client = (typeof clients)[number];

const lossOf = ({ a, b }: Client, x: ArrayLike<number>) =>
  a.reduce((sum, curvature, j) => sum + 0.5 * curvature * (x[j]! - b[j]!) ** 2, 0);
const gradientOf = ({ a, b }: Client, x: ArrayLike<number>) => a.map((curvature, j) => curvature * (x[j]! - b[j]!));
const length = (v: readonly number[]) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
const unit = (v: readonly number[]) => v.map((value) => (length(v) === 0 ? 0 : value / length(v)));
const along = (x: readonly number[], rho: number, u: readonly number[]) => x.map((value, j) => value + rho * u[j]!);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const squared = (u: readonly number[], v: readonly number[]) => u.reduce((sum, ui, j) => sum + (ui - v[j]!) ** 2, 0);

function probeOf(quadratics: readonly Client[], radius: number): Probe {
  const memory = new Float64Array(quadratics[0]!.a.length); // one for all, as probes may
  return {
    clients: quadratics.length,
    async loss(client, x) {
      return lossOf(quadratics[client]!, x);
    },
    async gradient(client, x) {
      const gradient = gradientOf(quadratics[client]!, x);
      memory.set(gradient);
      const perturbedLoss = lossOf(quadratics[client]!, along([...x], radius, unit(gradient)));
      return { loss: lossOf(quadratics[client]!, x), perturbedLoss, gradient: memory };
    },
  };
}

describe("flatness", () => {
  it("is what plain loops over quadratics give", async () => {
    const x = [0.3, -0.7, 1.1];
    const m = [0.2, 0.1, -0.4];
    const rho = 0.25;
    const gradients = clients.map((client) => gradientOf(client, x));
    const u = unit(x.map((_, j) => mean(gradients.map((gradient) => gradient[j]!))));
    const F = (point: readonly number[]) => mean(clients.map((client) => lossOf(client, point)));
    const measured = await measureFlatness(probeOf(clients, rho), Float64Array.from(x), Float64Array.from(m), rho);
    expect(measured.distance).toBeCloseTo(mean(gradients.map((gradient) => squared(unit(gradient), u))), 12);
    expect(measured.momentumDistance).toBeCloseTo(squared(unit(m.map((value) => -value)), u), 12);
    expect(measured.globalSharpness).toBeCloseTo(F(along(x, rho, u)) - F(x), 12);
    const rises = clients.map((client, i) => lossOf(client, along(x, rho, unit(gradients[i]!))) - lossOf(client, x));
    expect(measured.localSharpness).toBeCloseTo(mean(rises), 12);
    expect(measured).toMatchObject({ radius: rho, clients: 3 });
  });

  it("has a closed form where every curvature is 1", async () => {
    // minima at (1, 0) and (0, 1), x = 0: unit gradients (-1, 0) and (0, -1), u = -(1, 1) / sqrt 2
    const axes = [
      { a: [1, 1], b: [1, 0] },
      { a: [1, 1], b: [0, 1] },
    ];
    const rho = 0.1;
    const step = Float64Array.of(3, 3);
    const measured = await measureFlatness(probeOf(axes, rho), new Float64Array(2), step, rho);
    expect(measured.distance).toBeCloseTo(2 - Math.SQRT2, 12);
    // the step goes down the global gradient
    expect(measured.momentumDistance).toBeCloseTo(0, 12);
    expect(measured.localSharpness).toBeCloseTo(rho + rho ** 2 / 2, 12);
    expect(measured.globalSharpness).toBeCloseTo(rho / Math.SQRT2 + rho ** 2 / 2, 12);
  });

  it("is 0 in distance for equal clients, and knows no momentum where the model did not move", async () => {
    const alike = [clients[0]!, clients[0]!];
    const measured = await measureFlatness(probeOf(alike, 0.1), Float64Array.of(1, 1, 1), new Float64Array(3), 0.1);
    expect(measured.distance).toBeCloseTo(0, 12);
    expect(measured.localSharpness).toBeCloseTo(measured.globalSharpness, 12);
    expect(measured.momentumDistance).toBeNaN();
  });

  it("leaves a zero gradient without a direction", async () => {
    // the first client is at its minimum, the second is not: |0 - u|^2 = 1 and |u - u|^2 = 0
    const x = Float64Array.from(clients[0]!.b);
    const measured = await measureFlatness(probeOf(clients.slice(0, 2), 0.1), x, new Float64Array(3), 0.1);
    expect(measured.distance).toBeCloseTo(0.5, 12);
  });
});
