import { fromByte } from "../compression/index.ts";
import { type Vector, zerosLike } from "../params/index.ts";
import { addSeeded, type Directions } from "./directions.ts";
import { type LogRecord, malformedLog, recordsOf } from "./log.ts";

/**
 * The model as a start and a log of measured slopes. The numbers of a record are a factor and, client after client, the
 * client and its J slopes. Slope j of client k in round r is along the direction (r, k, j).
 */
export interface ProbeReplay {
  readonly kind: "probes";
  readonly directions: Directions;
  /** J, slopes that a client measures in a round. */
  readonly probes: number;
  /** Slopes are bytes, see `fromByte`. */
  readonly bytes: boolean;
}

/** The numbers of a record. `slopes` [clients, J], bytes where they travel as such. */
export function probeRecord(factor: number, clients: readonly number[], slopes: ArrayLike<number>): number[] {
  const probes = slopes.length / clients.length;
  return [
    factor,
    ...clients.flatMap((client, k) => [client, ...Array.from({ length: probes }, (_, j) => slopes[k * probes + j]!)]),
  ];
}

/** x <- x - factor * sum of slope times direction: added up in float64, rounded once. */
export function applyProbes(
  { directions, probes, bytes }: ProbeReplay,
  model: Vector,
  { round, numbers }: LogRecord,
): Vector {
  const sum = new Float64Array(model.length);
  for (let at = 1; at < numbers.length; at += 1 + probes) {
    for (let j = 0; j < probes; j++) {
      const slope = numbers[at + 1 + j]!;
      addSeeded(sum, bytes ? fromByte(slope) : slope, directions, [round, numbers[at]!, j]);
    }
  }
  const next = zerosLike(model);
  for (let i = 0; i < next.length; i++) next[i] = model[i]! - numbers[0]! * sum[i]!;
  return next;
}

/** How a log is written: see `packProbes`. */
type Packing = Pick<ProbeReplay, "probes" | "bytes">;

/** Bytes of a packed record before its clients, and of the number of a client. */
const [PACKED_HEAD, PACKED_CLIENT] = [16, 4];

/**
 * A log as it travels: for each record the round (4 bytes), how many clients (4) and the factor (8), then for each client its
 * number (4) and its slopes, of one byte or of the width of the log's numbers.
 */
export function packProbes({ probes, bytes }: Packing, log: Vector): Uint8Array {
  const width = bytes ? 1 : log.BYTES_PER_ELEMENT;
  const each = PACKED_CLIENT + probes * width;
  const records = Array.from(recordsOf(log), ({ round, numbers }) => {
    return { round, numbers, clients: (numbers.length - 1) / (1 + probes) };
  });
  const packed = new Uint8Array(records.reduce((sum, { clients }) => sum + PACKED_HEAD + clients * each, 0));
  const view = new DataView(packed.buffer);
  let to = 0;
  for (const { round, numbers, clients } of records) {
    view.setUint32(to, round, true);
    view.setUint32(to + 4, clients, true);
    view.setFloat64(to + 8, numbers[0]!, true);
    to += PACKED_HEAD;
    for (let at = 1; at < numbers.length; at += 1 + probes, to += each) {
      view.setUint32(to, numbers[at]!, true);
      for (let j = 0; j < probes; j++) writeSlope(view, to + PACKED_CLIENT + j * width, width, numbers[at + 1 + j]!);
    }
  }
  return packed;
}

/** The log of its packed form, with the element type of `like`. */
export function unpackProbes({ probes, bytes }: Packing, packed: Uint8Array, like: Vector): Vector {
  const width = bytes ? 1 : like.BYTES_PER_ELEMENT;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const log: number[] = [];
  for (let at = 0; at < packed.length; ) {
    if (at + PACKED_HEAD > packed.length) throw malformedLog(`${packed.length - at} bytes where a record begins`);
    const [round, clients] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    log.push(round, 1 + clients * (1 + probes), view.getFloat64(at + 8, true));
    at += PACKED_HEAD;
    if (at + clients * (PACKED_CLIENT + probes * width) > packed.length)
      throw malformedLog(`slopes of ${clients} clients in ${packed.length - at} bytes`);
    for (let k = 0; k < clients; k++, at += PACKED_CLIENT + probes * width) {
      log.push(view.getUint32(at, true));
      for (let j = 0; j < probes; j++) log.push(readSlope(view, at + PACKED_CLIENT + j * width, width));
    }
  }
  const vector = zerosLike(like, log.length);
  vector.set(log);
  return vector;
}

function writeSlope(view: DataView, at: number, width: number, value: number): void {
  if (width === 1) view.setUint8(at, value);
  else if (width === 4) view.setFloat32(at, value, true);
  else view.setFloat64(at, value, true);
}

function readSlope(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at);
  return width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
}
