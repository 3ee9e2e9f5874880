import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomKey, type RandomStream, randomStream } from "../random/index.ts";
import type { TextDataset } from "./readers/text-by-speaker.ts";
import type { TrainTest } from "./split.ts";

/** What an instruction asks for; an input is two words of the letters a to h. */
const tasks: readonly (readonly [name: string, answer: (input: string) => string])[] = [
  ["copy", (input) => input],
  ["reverse", (input) => [...input].reverse().join("")],
  ["upper-case", (input) => input.toUpperCase()],
  ["first letter", (input) => input[0]!],
  ["sort", (input) => [...input.replace(" ", "")].sort().join("")],
  ["count", (input) => String(input.length - 1)],
  ["replace a by o", (input) => input.replaceAll("a", "o")],
  ["last word", (input) => input.split(" ")[1]!],
];

/** Label of positions that do not count: those of the prompt and behind the answer. It is the token of padding, too. */
const UNCOUNTED = 0;

/**
 * Generated instructions with answers, by category: "### Instruction: reverse ab cde", then "### Response: edc ba" in the
 * line below. Features [n, T] uint8 tokens, labels [n, T] the token that follows each, where that is part of the answer or
 * the end of its line; 0 elsewhere. `groups` is the category. No input of a test example occurs in a training example.
 *
 * @param key decides which inputs occur
 * @param sizes training and test examples per category
 * @throws `data/instructions` for none of them, or more than there are inputs for
 * @example
 * ```ts
 * import { instructions, rootKey } from "@anabranch/core";
 * const { train } = instructions(rootKey(1), { train: 5, test: 2 });
 * train.groupNames!.slice(0, 2); // => ["copy", "reverse"]
 * ```
 */
export function instructions(
  key: RandomKey,
  sizes: { readonly train: number; readonly test: number },
): TrainTest<TextDataset> {
  requireSizes(sizes);
  const stream = randomStream(key);
  const inputs = new Set<string>();
  while (inputs.size < sizes.train + sizes.test) inputs.add(`${drawWord(stream)} ${drawWord(stream)}`);
  const all = [...inputs];
  const order = Array.from(permutation(stream, all.length), (at) => all[at]!);
  return {
    train: encode("instructions", order.slice(sizes.test)),
    test: encode("instructions (test)", order.slice(0, sizes.test)),
    testRows: "separate",
  };
}

/** Inputs at most; there are three times as many. */
const MOST_INPUTS = 100_000;

function requireSizes({ train, test }: { readonly train: number; readonly test: number }): void {
  const isCount = (n: number) => Number.isInteger(n) && n >= 1;
  if (isCount(train) && isCount(test) && train + test <= MOST_INPUTS) return;
  throw new AnabranchError({
    code: "data/instructions",
    message: "so many instructions cannot be generated",
    where: "data set instructions",
    received: `${train} training and ${test} test examples per category`,
    expected: `at least one of each, and at most ${MOST_INPUTS} in all`,
  });
}

const LETTERS = "abcdefgh";

/** Two or three letters. */
function drawWord(stream: RandomStream): string {
  return Array.from({ length: 2 + stream.below(2) }, () => LETTERS[stream.below(LETTERS.length)]!).join("");
}

const prompt = (task: string, input: string) => `### Instruction: ${task} ${input}\n### Response: `;

const LONGEST = prompt("replace a by o", "abc abc").length + "abc abc\n".length;

/** Padding, then every character that occurs. */
const vocabulary: readonly string[] = [..."_\n #-:456ABCDEFGHIRabcdefghilnoprstuvwy"];

const tokens = new Map(vocabulary.map((character, token) => [character, token]));

/** Every task on every input. */
function encode(name: string, inputs: readonly string[]): TextDataset {
  const length = LONGEST - 1;
  const count = tasks.length * inputs.length;
  const [features, labels] = [new Uint8Array(count * length), new Uint8Array(count * length)];
  const groups = Int32Array.from({ length: count }, (_, row) => Math.floor(row / inputs.length));
  for (const [group, [task, answer]] of tasks.entries()) {
    for (const [at, input] of inputs.entries()) {
      const start = prompt(task, input);
      const line = Array.from(`${start}${answer(input)}\n`, (character) => tokens.get(character)!);
      const row = group * inputs.length + at;
      features.set(line.slice(0, -1), row * length);
      labels.set(line.slice(start.length), row * length + start.length - 1);
    }
  }
  return {
    name,
    features: { dtype: "uint8", shape: [count, length], data: features },
    labels: { dtype: "uint8", shape: [count, length], data: labels },
    classes: vocabulary.length,
    vocabulary,
    groups,
    groupNames: tasks.map(([task]) => task),
    ignoredLabel: UNCOUNTED,
  };
}
