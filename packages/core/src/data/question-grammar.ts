import type { RandomStream } from "../random/index.ts";

/**
 * What questions about a grid of four images are about: a family for each function.
 *
 * @example
 * ```ts
 * import { questionFamilies } from "@anabranch/core";
 * questionFamilies.length; // => 5
 * ```
 */
export const questionFamilies = ["position", "presence", "count", "sameness", "comparison"] as const;
export type QuestionFamily = (typeof questionFamilies)[number];

/** Words of a question; shorter ones are filled up. */
export const QUESTION_WORDS = 6;

const PADDING = "_";
const GRAMMAR = [
  PADDING,
  ..."which item is at top bottom left right there a how many like are more than".split(" "),
] as const;

/** Items at most: with them the vocabulary has 32 words. */
export const MOST_ITEMS = 15;

/** Where the cells of a grid are, row by row. */
const PLACES = [
  ["top", "left"],
  ["top", "right"],
  ["bottom", "left"],
  ["bottom", "right"],
] as const;

/** A question as numbers of words, [6], and the number of its answer. */
export interface Question {
  readonly words: readonly number[];
  readonly answer: number;
}

/** The words by number: those of the grammar, then the items. */
export function questionWords(items: readonly string[]): string[] {
  return [...GRAMMAR, ...items];
}

/** The answers by number: the items, "yes", "no", and "0" to "4". */
export function questionAnswers(items: readonly string[]): string[] {
  return [...items, "yes", "no", ..."01234"];
}

/**
 * A question of a family about a grid of four items [top left, top right, bottom left, bottom right], out of a closed grammar:
 *
 * - position: "which item is at PLACE";
 * - presence: "is there a ITEM", of which half are in the grid;
 * - count: "how many ITEM are there", of which a fifth are not in the grid;
 * - sameness: "is PLACE like PLACE": do both have the same item;
 * - comparison: "are there more ITEM than ITEM".
 *
 * @param items numbers below `classes`, which are at least five, so that one is not in the grid
 */
export function drawQuestion(
  family: QuestionFamily,
  items: readonly number[],
  classes: number,
  stream: RandomStream,
): Question {
  const of = (list: readonly number[]) => list[stream.below(list.length)]!;
  const kinds = [...new Set(items)];
  const absent = () => of(Array.from({ length: classes }, (_, item) => item).filter((item) => !kinds.includes(item)));
  const countOf = (item: number) => items.filter((one) => one === item).length;
  const yesOrNo = (is: boolean) => classes + (is ? 0 : 1);
  switch (family) {
    case "position": {
      const place = stream.below(4);
      return { words: numbered(["which", "item", "is", "at", ...PLACES[place]!]), answer: items[place]! };
    }
    case "presence": {
      const isThere = stream.below(2) === 0;
      const item = isThere ? of(kinds) : absent();
      return { words: numbered(["is", "there", "a", item]), answer: yesOrNo(isThere) };
    }
    case "count": {
      const item = stream.below(5) === 0 ? absent() : of(kinds);
      return { words: numbered(["how", "many", item, "are", "there"]), answer: classes + 2 + countOf(item) };
    }
    case "sameness": {
      const first = stream.below(4);
      const second = (first + 1 + stream.below(3)) % 4;
      const words = numbered(["is", ...PLACES[first]!, "like", ...PLACES[second]!]);
      return { words, answer: yesOrNo(items[first] === items[second]) };
    }
    case "comparison": {
      const one = of(kinds);
      const others = kinds.filter((kind) => kind !== one);
      const other = others.length > 0 && stream.below(3) > 0 ? of(others) : absent();
      const [more, less] = stream.below(2) === 0 ? [one, other] : [other, one];
      const words = numbered(["are", "there", "more", more, "than", less]);
      return { words, answer: yesOrNo(countOf(more) > countOf(less)) };
    }
  }
}

/** Numbers of words, with padding behind them; items are given by their class. */
function numbered(words: readonly (string | number)[]): number[] {
  const numbers = words.map((word) =>
    typeof word === "number" ? GRAMMAR.length + word : (GRAMMAR as readonly string[]).indexOf(word),
  );
  return Array.from({ length: QUESTION_WORDS }, (_, at) => numbers[at] ?? GRAMMAR.indexOf(PADDING));
}
