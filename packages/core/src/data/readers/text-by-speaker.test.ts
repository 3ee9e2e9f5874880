import { describe, expect, it } from "vitest";
import { readTextBySpeaker } from "./text-by-speaker.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const PLAY = "ANN:\nabcd\n\nBOB:\nxy\n\nANN:\nefg\nh\n\ni\n\nCAT:\nzzzz zzzz\n";

describe("readTextBySpeaker", () => {
  it("joins a speaker's lines and cuts windows with the next character as label", () => {
    const dataset = readTextBySpeaker(bytes(PLAY), { name: "play", length: 4 });
    const decode = (data: ArrayLike<number>) => Array.from(data, (token) => dataset.vocabulary[token]).join("");
    // ANN says "abcd\nefg\nh\ni" (12 characters: 2 windows), BOB two characters (none), CAT nine (2 windows).
    expect(dataset.features.shape).toEqual([4, 4]);
    expect(decode(dataset.features.data)).toBe("abcd\nefgzzzz zzz");
    expect(decode(dataset.labels.data)).toBe("bcd\nefg\nzzz zzzz");
    expect([...dataset.groups!]).toEqual([0, 0, 1, 1]);
    expect(dataset.groupNames).toEqual(["ANN", "CAT"]);
    expect(dataset.vocabulary).toEqual(["\n", " ", ..."abcdefghiz"]);
    expect(dataset.classes).toBe(dataset.vocabulary.length);
  });

  it("reads Windows line ends alike", () => {
    const options = { name: "play", length: 3 };
    expect(readTextBySpeaker(bytes(PLAY.replaceAll("\n", "\r\n")), options)).toEqual(
      readTextBySpeaker(bytes(PLAY), options),
    );
  });

  it("refuses text without speakers, windows without text, and huge alphabets", () => {
    const read = (text: string, length: number) => () => readTextBySpeaker(bytes(text), { name: "play", length });
    expect(read("no speaker here\n", 2)).toThrow(expect.objectContaining({ code: "data/speaker" }));
    expect(read(PLAY, 50)).toThrow(expect.objectContaining({ code: "data/empty" }));
    const many = Array.from({ length: 300 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");
    expect(read(`ANN:\n${many}\n`, 5)).toThrow(expect.objectContaining({ code: "data/vocabulary" }));
  });
});
