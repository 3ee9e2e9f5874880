import * as z from "zod";
import { errorNorms, instructionPrompt, offsiteEmulator, pruneExamples, splitTraffic } from "../adapters/index.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";
import { listed, traced, tracedLabels } from "./traced.ts";

const pruneInput = z.strictObject({ logits: vectorList, labels: z.array(z.int().min(0)).min(1) });
const pruneOptions = z.strictObject({
  drop: z.number().min(0).max(1).default(0.2),
  keep: z.enum(["hardest", "easiest"]).default("hardest"),
});

const prune: Operation = {
  async run(input, given) {
    const { logits, labels } = pruneInput.parse(input);
    const { drop, keep } = pruneOptions.parse(given);
    const scores = listed<number[]>(errorNorms(traced(logits), tracedLabels(labels)));
    return { scores, kept: pruneExamples(scores, drop, keep) };
  },
};

const count = z.int().min(0);
const bytesInput = z.strictObject({
  ...{ keptSamples: count, activationFloats: count, tailFloats: count, promptFloats: count },
});

const bytes: Operation = {
  async run(input) {
    return splitTraffic(bytesInput.parse(input));
  },
};

const emulator: Operation = {
  async run(input, given) {
    const { layers } = z.strictObject({ layers: z.int().positive() }).parse(input);
    const { adapterLayers, dropFraction } = z
      .strictObject({ adapterLayers: count, dropFraction: z.number().min(0).max(1).default(0) })
      .parse(given);
    return offsiteEmulator(layers, adapterLayers, dropFraction);
  },
};

const promptInput = z.strictObject({
  instruction: z.string(),
  input: z.string().nullish(),
  output: z.string(),
});

const prompt: Operation = {
  async run(given) {
    const { input, ...rest } = promptInput.parse(given);
    return instructionPrompt({ ...rest, input: input ?? undefined });
  },
};

/** SFPrompt's examples and bytes; emulators and prompts of FederatedScope-LLM. */
export const splitTuning: Readonly<Record<string, Operation>> = {
  "sfprompt.prune": prune,
  "sfprompt.bytes": bytes,
  "fsllm.emulator": emulator,
  "fsllm.prompt": prompt,
};
