import { algorithms, type MethodDefinition } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { methodVariants } from "./method-variants.ts";

const labels = (shape: z.ZodRawShape) => {
  const entry = { name: "m", options: z.strictObject(shape) } as unknown as MethodDefinition;
  return methodVariants([entry]).map(({ label }) => label);
};

describe("methodVariants", () => {
  it("takes each other value of an enumeration or a switch, one at a time, and no numbers", () => {
    expect(
      labels({
        form: z.enum(["code", "paper"]).default("code").describe("a rule"),
        adaptive: z.boolean().default(false),
        strength: z.number().default(1),
        kind: z.enum(["a", "b", "c"]).default("b"),
      }),
    ).toEqual(["m", "m form=paper", "m adaptive=true", "m kind=a", "m kind=c"]);
  });

  it("knows a method that demands a choice only with it", () => {
    const optimizer = z.enum(["sgd", "muon"]);
    expect(labels({ optimizer, nesterov: z.boolean().optional() })).toEqual(["m optimizer=sgd", "m optimizer=muon"]);
  });

  it("lists a method by itself where no choice completes it", () => {
    expect(labels({ radius: z.number() })).toEqual(["m"]);
  });

  it("has every method of the registry, and the choices that are other rules", () => {
    const variants = methodVariants();
    expect([...new Set(variants.map(({ method }) => method))]).toEqual(algorithms.map(({ name }) => name));
    const all = variants.map(({ label }) => label);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(["fednsam perturbation=gradient", "fedspeed form=paper"]));
    expect(all).toEqual(expect.arrayContaining(["local optimizer=muon", "fedpac optimizer=adamw"]));
  });
});
