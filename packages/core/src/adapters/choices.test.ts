import { describe, expect, it } from "vitest";
import { type Choices, reward, upperConfidence } from "./bandit.ts";
import { chooseForDevice } from "./device-choice.ts";
import { instructionPrompt } from "./instruction-prompt.ts";
import { offsiteEmulator } from "./offsite-emulator.ts";
import { matrixScore, noSensitivity, observeSensitivity, sensitivityScores, tripletScores } from "./sensitivity.ts";

describe("sensitivity", () => {
  it("follows two steps by hand", () => {
    const betas = { beta1: 0.5, beta2: 0.25 };
    const first = observeSensitivity(noSensitivity(1), [2], [-3], betas);
    const second = observeSensitivity(first, [1], [1], betas);
    // c = 6: I = 3, U = 0.75 * 3; then c = 1: I = 2, U = 0.25 * 2.25 + 0.75 * 1
    expect([second.mean[0], second.deviation[0]]).toEqual([2, 1.3125]);
    expect(sensitivityScores(second)[0]).toBe(2.625);
  });

  it("sums triplets of P [2, 2], Lambda [2] and Q [2, 3]", () => {
    const scores = [1, 10, 3, 30, 100, 200, 6, 6, 6, 9, 9, 9];
    const triplets = tripletScores(scores, { outputs: 2, inputs: 3, rank: 2 });
    expect(triplets).toEqual([100 + 2 + 6, 200 + 20 + 9]);
    expect([matrixScore(triplets, 1), matrixScore(triplets, 9)]).toEqual([229, 337]);
    expect(() => tripletScores(scores, { outputs: 2, inputs: 3, rank: 1 })).toThrow("triplets");
    expect(() => observeSensitivity(noSensitivity(2), [1], [1], { beta1: 0, beta2: 0 })).toThrow("2 of both");
  });
});

describe("choices for a device", () => {
  const candidates = [4, 8].flatMap((batch) =>
    [1, 2].flatMap((rank) => [4, 16].map((bits) => ({ batch, rank, bits, memory: batch * bits, time: batch * rank }))),
  );

  it.each([
    [200, 100, [8, 2, 16]],
    [127, 100, [8, 2, 4]],
    [200, 9, [8, 1, 16]],
    [63, 7, [4, 1, 4]],
  ])("fit memory %d and deadline %d", (memory, deadline, expected) => {
    const { batch, rank, bits } = chooseForDevice(candidates, { memory, deadline })!;
    expect([batch, rank, bits]).toEqual(expected);
  });

  it("are none where nothing fits", () => {
    expect(chooseForDevice(candidates, { memory: 15, deadline: 100 })).toBeUndefined();
  });
});

describe("a bandit", () => {
  it("tries everything, then favours the best while it still explores", () => {
    const rewards = [0.2, 0.8, 0.5];
    let choices: Choices = { means: [0, 0, 0], counts: [0, 0, 0] };
    const chosen: number[] = [];
    for (let t = 1; t <= 400; t++) {
      const { choice } = upperConfidence(choices, t, 0.1);
      chosen.push(choice);
      choices = reward(choices, choice, rewards[choice]!);
    }
    expect(chosen.slice(0, 3)).toEqual([0, 1, 2]);
    expect(choices.means[1]).toBeCloseTo(0.8, 12);
    expect(chosen.slice(200).filter((choice) => choice === 1).length).toBeGreaterThan(190);
    expect(choices.counts.every((count) => count > 1)).toBe(true);
  });

  it("takes the first of equal scores", () => {
    expect(upperConfidence({ means: [1, 1], counts: [2, 2] }, 4, 0.5).choice).toBe(0);
  });
});

describe("offsite tuning", () => {
  it("keeps all layers at 0 and spreads what it keeps", () => {
    expect(offsiteEmulator(5, 1, 0)).toEqual({ adapters: [0, 4], emulator: [1, 2, 3] });
    expect(offsiteEmulator(12, 1, 0.7).emulator).toEqual([1, 6, 10]);
    expect(offsiteEmulator(6, 2, 0.5).emulator).toEqual([2]);
    expect(offsiteEmulator(4, 2, 0.5).emulator).toEqual([]);
    expect(() => offsiteEmulator(4, 3, 0)).toThrow("at most 2");
  });
});

describe("a prompt", () => {
  it("masks all but the answer, counted in code points", () => {
    for (const input of [undefined, "", "an input with 😀"]) {
      const { text, maskedCharacters } = instructionPrompt({ instruction: "😀?", input, output: "yes 😀" });
      expect([...text].slice(maskedCharacters).join("")).toBe("yes 😀");
      expect(text.includes("### Input:")).toBe(Boolean(input));
    }
  });
});
