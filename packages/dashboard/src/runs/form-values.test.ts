import { expect, it } from "vitest";
import type { FormField, FormSection } from "./form-schema.ts";
import { capitalized, configOf, fieldAt, fieldsOf, titleOf } from "./form-values.ts";

const field = (path: string, kind: FormField["kind"], initial: unknown = null): FormField => ({
  ...{ path, kind, initial },
  ...{ description: "", choices: [], required: false },
});
const sections: FormSection[] = [
  { path: "", description: "", fields: [field("name", "text", "run"), field("rounds", "number", 30)], options: null },
  {
    path: "algorithm",
    description: "",
    fields: [field("algorithm.name", "choice", "fedavg")],
    options: { by: "algorithm.name", of: { fedavg: [], fedprox: [field("algorithm.strength", "number", 0.1)] } },
  },
  {
    path: "data.synthetic",
    description: "",
    fields: [field("data.synthetic.shape", "list", [1, 28, 28]), field("data.synthetic.noise", "number", 32)],
    options: null,
  },
  { path: "training", description: "", fields: [field("training.nesterov", "flag", false)], options: null },
];

it("is only what differs from the defaults, as numbers, lists and flags", () => {
  expect(configOf(sections, {})).toEqual({});
  const values = { rounds: " 5 ", name: "12", "training.nesterov": "true", "data.synthetic.shape": "1, 4 4" };
  expect(configOf(sections, { ...values, "data.synthetic.noise": "32" })).toEqual({
    ...{ rounds: 5, name: "12", training: { nesterov: true }, data: { synthetic: { shape: [1, 4, 4] } } },
  });
});

it("keeps what is no number, for the schema to refuse", () => {
  expect(configOf(sections, { rounds: "many" })).toEqual({ rounds: "many" });
  expect(configOf(sections, { rounds: "" })).toEqual({});
});

it("has the options of the part that is chosen, and of no other", () => {
  expect(fieldsOf(sections[1]!, {})).toHaveLength(1);
  const values = { "algorithm.name": "fedprox", "algorithm.strength": "0.5" };
  expect(configOf(sections, values)).toEqual({ algorithm: { name: "fedprox", strength: 0.5 } });
  expect(configOf(sections, { "algorithm.strength": "0.5" })).toEqual({});
});

it("finds the field that a failure names", () => {
  const fields = sections.flatMap((section) => section.fields);
  expect(fieldAt("data.synthetic.shape.0", fields)?.path).toBe("data.synthetic.shape");
  expect(fieldAt("rounds", fields)?.path).toBe("rounds");
  expect(fieldAt("roundsAndMore", fields)).toBeUndefined();
  expect(fieldAt(undefined, fields)).toBeUndefined();
});

it("names a key in words", () => {
  expect(titleOf("training.learningRate")).toBe("Learning rate");
  expect(titleOf("")).toBe("");
  expect(capitalized('"uniform": cohorts')).toBe('"uniform": cohorts');
});
