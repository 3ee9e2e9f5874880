/** A Parquet file of one column x that can claim anything about itself. */

/** What the file claims; by default the truth. */
export interface ParquetClaims {
  /** Type of the column; default 1, INT32. */
  readonly type?: number;
  /** Bytes of the data page; default: the numbers 1, 2, 3, plain. */
  readonly body?: readonly number[];
  /** Encoding of the data page; default 0, plain. 8: numbers of a dictionary. */
  readonly encoding?: number;
  /** Bytes of a dictionary page with `dictionaryValues` values before the data page. */
  readonly dictionary?: readonly number[];
  readonly dictionaryValues?: number;
  /** 0: plain (default), 1: Snappy. */
  readonly codec?: number;
  readonly rows?: number;
  readonly groupRows?: number;
  /** Values of the data page. */
  readonly values?: number;
  readonly unpackedBytes?: number;
  readonly packedBytes?: number;
  readonly chunkBytes?: number;
  readonly children?: number;
  /** Times that the row group is listed, and the column in it. */
  readonly groups?: number;
  readonly columns?: number;
  /** Where in the schema the column lies. */
  readonly path?: readonly string[];
}

const PLAIN_NUMBERS = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
const [I32, I64, TEXT, LIST, STRUCT] = [5, 6, 8, 9, 12];

type Field = readonly [id: number, type: number, bytes: readonly number[]];

export function parquetFile(claims: ParquetClaims = {}): Uint8Array {
  const { body = PLAIN_NUMBERS, rows = 3, groupRows = rows, values = groupRows, encoding = 0 } = claims;
  const {
    dictionary,
    dictionaryValues = 1,
    codec = 0,
    type = 1,
    children = 1,
    groups = 1,
    columns = 1,
    path = ["x"],
  } = claims;
  const { unpackedBytes = body.length, packedBytes = body.length } = claims;
  const number = (id: number, kind: number, value: number): Field => [id, kind, zigzag(value)];
  const page = (kind: number, unpacked: number, packed: number, header: Field): number[] =>
    struct([number(1, I32, kind), number(2, I32, unpacked), number(3, I32, packed), header]);
  const dictionaryPage =
    dictionary === undefined
      ? []
      : [
          ...page(2, dictionary.length, dictionary.length, [
            7,
            STRUCT,
            struct([number(1, I32, dictionaryValues), number(2, I32, 0)]),
          ]),
          ...dictionary,
        ];
  const levels = [number(3, I32, 3), number(4, I32, 3)];
  const dataHeader = struct([number(1, I32, values), number(2, I32, encoding), ...levels]);
  const pages = [...dictionaryPage, ...page(0, unpackedBytes, packedBytes, [5, STRUCT, dataHeader]), ...body];
  const chunk = struct([
    number(1, I32, type),
    [2, LIST, list(I32, [zigzag(encoding)])],
    [3, LIST, list(TEXT, path.map(text))],
    number(4, I32, codec),
    number(5, I64, values),
    number(6, I64, unpackedBytes),
    number(7, I64, claims.chunkBytes ?? pages.length),
    number(9, I64, 4),
  ]);
  const column = struct([number(2, I64, 4), [3, STRUCT, chunk]]);
  const group = struct([
    [1, LIST, list(STRUCT, Array(columns).fill(column))],
    number(2, I64, 1),
    number(3, I64, groupRows),
  ]);
  const root = struct([[4, TEXT, text("root")], number(5, I32, children)]);
  const leaf = struct([number(1, I32, type), number(3, I32, 0), [4, TEXT, text("x")]]);
  const footer = struct([
    number(1, I32, 1),
    [2, LIST, list(STRUCT, [root, leaf])],
    number(3, I64, rows),
    [4, LIST, list(STRUCT, Array(groups).fill(group))],
  ]);
  const magic = [...new TextEncoder().encode("PAR1")];
  const length = [0, 8, 16, 24].map((shift) => (footer.length >>> shift) & 255);
  return Uint8Array.from([...magic, ...pages, ...footer, ...length, ...magic]);
}

/** An unsigned LEB128 number. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function zigzag(value: number): number[] {
  return varint(value < 0 ? -2 * value - 1 : 2 * value);
}

function text(value: string): number[] {
  return [...varint(value.length), ...new TextEncoder().encode(value)];
}

function list(type: number, elements: readonly (readonly number[])[]): number[] {
  const head = elements.length < 15 ? [elements.length * 16 + type] : [240 + type, ...varint(elements.length)];
  return [...head, ...elements.flat()];
}

function struct(fields: readonly Field[]): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, type, value]) => {
    const head = (id - last) * 16 + type;
    last = id;
    return [head, ...value];
  });
  return [...bytes, 0];
}
