import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { checkDataset, datasetHash, instructions, loadShippedDataset, type TextDataset } from "./index.ts";

/** The text of an example, and what of it counts. */
function textOf({ features, labels, vocabulary }: TextDataset, row: number): { text: string; answer: string } {
  const length = features.shape[1]!;
  const [given, next] = [features, labels].map(({ data }) => data.subarray(row * length, (row + 1) * length));
  const read = (tokens: Iterable<number>) => Array.from(tokens, (token) => vocabulary[token]!).join("");
  return { text: read(given!).replace(/_+$/, ""), answer: read(Array.from(next!).filter((token) => token > 0)) };
}

const small = instructions(rootKey(1), { train: 30, test: 10 });

describe("generated instructions", () => {
  it("have the answers of their tasks, which alone count", () => {
    const answers: Record<string, (input: string) => string> = {
      copy: (input) => input,
      reverse: (input) => [...input].reverse().join(""),
      "upper-case": (input) => input.toUpperCase(),
      "first letter": (input) => input.slice(0, 1),
      sort: (input) =>
        [...input]
          .filter((letter) => letter !== " ")
          .sort()
          .join(""),
      count: (input) => `${input.split(" ").join("").length}`,
      "replace a by o": (input) => input.split("a").join("o"),
      "last word": (input) => input.slice(input.indexOf(" ") + 1),
    };
    for (const part of [small.train, small.test]) {
      checkDataset(part);
      const seen = new Set<string>();
      for (let row = 0; row < part.features.shape[0]!; row++) {
        const { text, answer } = textOf(part, row);
        const task = part.groupNames![part.groups![row]!]!;
        const [start, input] = new RegExp(`^### Instruction: ${task} ([a-h]{2,3} [a-h]{2,3})\n### Response: `).exec(
          text,
        )!;
        expect(answer).toBe(`${answers[task]!(input!)}\n`);
        expect(`${text}\n`).toBe(`${start}${answer}`);
        seen.add(task);
      }
      expect([...seen].sort()).toEqual(Object.keys(answers).sort());
    }
  });

  it("are tested on inputs that no training example has", () => {
    const inputs = (part: TextDataset) =>
      Array.from(
        { length: part.features.shape[0]! },
        (_, row) => / ([a-h]+ [a-h]+)\n/.exec(textOf(part, row).text)![1]!,
      );
    const known = new Set(inputs(small.train));
    expect(known.size).toBe(30);
    expect(inputs(small.test).filter((input) => known.has(input))).toEqual([]);
  });

  it.each([
    [0, 1],
    [1, 0],
    [1.5, 1],
    [99_999, 2],
    [Number.NaN, 1],
  ])("are refused for %s and %s examples", (train, test) => {
    const code = expect.objectContaining({ failure: expect.objectContaining({ code: "data/instructions" }) });
    expect(() => instructions(rootKey(1), { train, test })).toThrow(code);
  });

  it("are the same for good", async () => {
    const { train, test } = await loadShippedDataset("instructions", () => Promise.reject(new Error("no file")));
    expect([train.features.shape, test.features.shape]).toEqual([
      [8000, 61],
      [800, 61],
    ]);
    expect([datasetHash(train), datasetHash(test)]).toMatchInlineSnapshot(`
      [
        "4beae6cbcd9f3b57",
        "f523671a01cc41e1",
      ]
    `);
  });
});
