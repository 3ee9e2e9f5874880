/** An instruction with what it is about, and the answer to learn. */
export interface Instruction {
  readonly instruction: string;
  /** Absent or empty: nothing beside the instruction. */
  readonly input?: string | undefined;
  readonly output: string;
}

/**
 * The text to train on, in Alpaca's template, and how many characters at its start are the prompt, which no loss counts.
 * Characters are Unicode code points.
 *
 * Citation: R. Taori et al., "Stanford Alpaca: An Instruction-following LLaMA Model", 2023, prompts of train.py.
 * @example
 * ```ts
 * import { instructionPrompt } from "@anabranch/core";
 * const { text, maskedCharacters } = instructionPrompt({ instruction: "Say yes.", output: "Yes" });
 * [...text].slice(maskedCharacters).join(""); // => "Yes"
 * ```
 */
export function instructionPrompt({ instruction, input = "", output }: Instruction): {
  readonly text: string;
  readonly maskedCharacters: number;
} {
  const prompt = input === "" ? alone(instruction) : withInput(instruction, input);
  return { text: prompt + output, maskedCharacters: [...prompt].length };
}

function alone(instruction: string): string {
  return [
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    `### Instruction:\n${instruction}`,
    "### Response:\n",
  ].join("\n\n");
}

function withInput(instruction: string, input: string): string {
  return [
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.",
    `### Instruction:\n${instruction}`,
    `### Input:\n${input}`,
    "### Response:\n",
  ].join("\n\n");
}
