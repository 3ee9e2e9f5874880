import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { type ArrayDataset, ofOwners, readTextBySpeaker, syntheticDataset } from "./index.ts";

const play = readTextBySpeaker(
  new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n\nNURSE:\nMadam! Madam!\n"),
  { name: "play", length: 4 },
);
const data = { train: play, test: play };
const windows = ({ features }: ArrayDataset) =>
  Array.from({ length: features.shape[0]! }, (_, row) => Array.from(features.data.subarray(4 * row, 4 * row + 4)));

describe("examples of some owners", () => {
  it("are those of the numbers, in both sets, and halves make the whole", () => {
    const [first, rest] = [ofOwners(data, [0, 1]), ofOwners(data, [1, 3])];
    expect(new Set(first.train.groups)).toEqual(new Set([0]));
    expect(new Set(rest.test.groups)).toEqual(new Set([1, 2]));
    expect([...windows(first.train), ...windows(rest.train)]).toEqual(windows(play));
    expect(rest.train.groupNames).toEqual(play.groupNames);
  });

  it.each([
    [[0, 4], "two rising numbers from 0 to 3"],
    [[2, 2], "two rising numbers from 0 to 3"],
    [[2, 1], "two rising numbers from 0 to 3"],
  ] as const)("refuses %j", (owners, expected) => {
    const refused = expect.objectContaining({ failure: expect.objectContaining({ code: "data/owners", expected }) });
    expect(() => ofOwners(data, owners)).toThrow(refused);
  });

  it("keep a test set without owners whole", () => {
    const { groups: _groups, groupNames: _names, ...test } = play;
    expect(ofOwners({ train: play, test }, [0, 1]).test).toBe(test);
  });

  it("refuses owners without a test example", () => {
    const test = ofOwners(data, [1, 3]).test;
    expect(() => ofOwners({ train: play, test }, [0, 1])).toThrow("the test set has no examples of these owners");
  });

  it("refuses data without owners", () => {
    const train = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    expect(() => ofOwners({ train, test: train }, [0, 1])).toThrow("no owners");
  });
});
