import { AnabranchError } from "@anabranch/engine";
import { type ArrayDataset, exampleCount, selectRows } from "./dataset.ts";
import type { TrainTest } from "./split.ts";

/**
 * The examples of some owners: those numbered from the first number up to before the second, in the order of the data. A
 * model that starts on some owners can so be fine-tuned on others. A test set without owners stays whole.
 *
 * @throws `data/owners` where the data have no owners, or none of these numbers, or no test example of theirs
 * @example
 * ```ts
 * import { ofOwners, readTextBySpeaker } from "@anabranch/core";
 * const play = new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n");
 * const train = readTextBySpeaker(play, { name: "play", length: 4 });
 * ofOwners({ train, test: train }, [1, 2]).train.groups; // => [1, 1, 1]
 * ```
 */
export function ofOwners(data: TrainTest, [from, until]: readonly [number, number]): TrainTest {
  const owners = countOwners(data.train);
  if (!(0 <= from && from < until && until <= owners)) throw unfit(data.train.name, [from, until], owners);
  const choose = (part: ArrayDataset): ArrayDataset => {
    const groups = Array.from(part.groups ?? [], (group, row) => ({ group, row }));
    return selectRows(
      part,
      groups.filter(({ group }) => from <= group && group < until).map(({ row }) => row),
    );
  };
  const train = choose(data.train);
  // a test set without owners is that of all
  if (data.test.groups === undefined) return { ...data, train };
  const test = choose(data.test);
  if (exampleCount(test) === 0) throw untested(data.test.name, [from, until]);
  return { ...data, train, test };
}

function countOwners({ groups, groupNames }: ArrayDataset): number {
  if (groupNames !== undefined) return groupNames.length;
  return groups === undefined ? 0 : groups.reduce((most, group) => Math.max(most, group + 1), 0);
}

function unfit(name: string, [from, until]: readonly [number, number], owners: number): AnabranchError {
  return new AnabranchError({
    code: "data/owners",
    message: owners === 0 ? "these data have no owners to choose from" : "there are no such owners",
    where: `data.owners, data set ${name}`,
    received: `[${from}, ${until}]`,
    expected: owners === 0 ? "nothing" : `two rising numbers from 0 to ${owners}`,
    advice:
      owners === 0
        ? "Remove data.owners, or use data with owners, such as tiny-shakespeare."
        : "The first number is that of the first owner, the second that behind the last.",
  });
}

function untested(name: string, [from, until]: readonly [number, number]): AnabranchError {
  return new AnabranchError({
    code: "data/owners",
    message: "the test set has no examples of these owners",
    where: `data.owners, data set ${name}`,
    received: `[${from}, ${until}]`,
    expected: "owners with test examples, or a test set without owners",
    advice: "Choose owners that the test set has, or leave the column or folder of owners out of the test set.",
  });
}
