import { describe, expect, it } from "vitest";
import { noisedRun, smallRun } from "../conformance/small-live-run.ts";
import { clientPrivacyOf } from "./client-epsilon.ts";
import { requirePrivacy } from "./client-limits.ts";
import { describeTask, type TaskDescription, taskDescription } from "./task-description.ts";

const { config, live } = noisedRun();
const honest = describeTask(config, live);
const mechanismOf = ({ stages }: TaskDescription) => {
  const encoding = stages.secureAggregation!.encoding;
  if (encoding.kind !== "noised") throw new Error("no noise");
  return encoding.mechanism;
};

/** The description with other settings of the noise. */
function lying(mechanism: object, sums: object = {}, privacy: object = {}): TaskDescription {
  const { stages } = honest;
  const encoding = { kind: "noised", mechanism: { ...mechanismOf(honest), ...mechanism } } as const;
  return {
    ...honest,
    stages: {
      ...stages,
      privacy: { ...stages.privacy!, ...privacy },
      secureAggregation: { ...stages.secureAggregation!, encoding, ...sums },
    },
  } as TaskDescription;
}

const codeOf = (act: () => void): string => {
  try {
    act();
    return "allowed";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("the epsilon that a client computes", () => {
  it("is the one that the server reports", () => {
    for (const protocol of ["bonawitz", "lightsecagg"] as const) {
      const run = noisedRun(protocol);
      const own = clientPrivacyOf(describeTask(run.config, run.live))!;
      expect(own.epsilon).toBe(run.live.plan.account!.epsilonAfter(2));
      expect(own).toMatchObject({ delta: 1e-3, rounds: 2, shares: 3, colluding: { clients: 1 } });
      expect(own.colluding.epsilon).toBeGreaterThan(own.epsilon);
    }
  });

  it("grows with every claim that would weaken the noise", () => {
    const of = (description: TaskDescription) => clientPrivacyOf(description)!.epsilon;
    const { variance, granularity, survivors } = mechanismOf(honest);
    expect(of({ ...honest, rounds: 3 })).toBeGreaterThan(of(honest));
    expect(of(lying({ variance: Math.floor(variance / 4) }))).toBeGreaterThan(of(honest));
    expect(of(lying({ granularity: granularity / 4 }))).toBeGreaterThan(of(honest));
    expect(of(lying({ survivors: survivors - 1 }))).toBeGreaterThan(of(honest));
    // the clip norm is what all lengths are relative to, and the multiplier is what the server says of it
    expect(of(lying({}, {}, { clipNorm: 1e9, noiseMultiplier: 1e9, denominator: 1 }))).toBe(of(honest));
  });

  it("is infinite where so few shares are needed that a colluding client leaves none", () => {
    expect(clientPrivacyOf(lying({ survivors: 1 }))!.colluding).toEqual({ clients: 1, epsilon: Infinity });
  });

  it("does not exist where the server adds the noise, or nobody", () => {
    const plain = smallRun({ name: "fedavg" });
    expect(clientPrivacyOf(describeTask(plain.config, plain.prepared))).toBeUndefined();
  });
});

describe("a client that requires an epsilon", () => {
  const { epsilon } = clientPrivacyOf(honest)!;
  const limits = { epsilon, delta: 1e-3 };

  it("takes part with it and refuses a run with more", () => {
    expect(codeOf(() => requirePrivacy(limits, honest))).toBe("allowed");
    expect(codeOf(() => requirePrivacy(limits, { ...honest, rounds: 3 }))).toBe("client/epsilon");
    expect(codeOf(() => requirePrivacy({ ...limits, epsilon: epsilon - 1e-6 }, honest))).toBe("client/epsilon");
  });

  it("refuses a delta that makes any epsilon small, and a run without delta", () => {
    expect(clientPrivacyOf({ ...honest, delta: 0.5 })!.epsilon).toBeLessThan(epsilon);
    expect(codeOf(() => requirePrivacy(limits, { ...honest, delta: 0.5 }))).toBe("client/epsilon");
    const { delta: _delta, ...without } = honest;
    expect(codeOf(() => requirePrivacy(limits, without))).toBe("live/message");
  });

  it("refuses epochs beside noise, as their time would suggest how many examples it has", () => {
    const epochs = { ...honest, budget: { localEpochs: 1 } };
    expect(codeOf(() => requirePrivacy({ delta: 1e-3 }, epochs))).toBe("client/epsilon");
  });

  it("refuses a run without noise of clients", () => {
    const plain = smallRun({ name: "fedavg" });
    const description = describeTask(plain.config, plain.prepared);
    expect(codeOf(() => requirePrivacy(limits, description))).toBe("client/epsilon");
    expect(codeOf(() => requirePrivacy({ delta: 1e-3 }, description))).toBe("allowed");
  });
});

describe("a description", () => {
  const parse = (description: unknown) => taskDescription.safeParse(description).success;
  const { privacy: _privacy, ...withoutPrivacy } = honest.stages;

  it("of a run with noise of clients is accepted as it is", () => {
    expect(parse(honest)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["noise that the server could compute", lying({}, { source: { kind: "seeded" } })],
    ["sums with fewer shares than the noise is made for", lying({}, { fewest: 2 })],
    ["roundings that fail by what is rounded", lying({ bias: 0.99 })],
    ["noise for another length", lying({ size: 3 })],
    ["another distribution than the mechanism has", lying({ distribution: "skellam" })],
    ["noise that the server adds as well", lying({}, {}, { noise: "central" })],
    ["noise without clipping", { ...honest, stages: withoutPrivacy }],
    ["integers that leave the client", lying({}, { integers: "uploaded" })],
    ["no secure aggregation", { ...honest, stages: { ...honest.stages, secureAggregation: undefined } }],
    ["plain sums", lying({}, { protocol: "plain" })],
  ])("is refused with %s", (_what, description) => {
    expect(parse(description)).toBe(false);
  });
});
