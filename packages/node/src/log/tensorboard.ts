import { MessageWriter } from "@anabranch/engine";
import type { RunSeries } from "./run-series.ts";
import { encodeRecords } from "./tf-record.ts";

/**
 * A run as a TensorBoard event file: a record for the version of the format, the configuration as a text, and a scalar for
 * each value. Messages are those of tensorflow/core/util/event.proto and framework/summary.proto.
 */
export function tensorboardFile(run: RunSeries): { readonly name: string; readonly bytes: Uint8Array } {
  const values = run.series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  // readers expect steps to ascend, and values of one step may come in any order
  const ordered = values.sort((a, b) => a.round - b.round);
  const records = [
    event(run.startedAt).text(3, "brain.Event:2"),
    event(run.startedAt).message(5, new MessageWriter().message(1, textValue("configuration", configText(run)))),
    ...ordered.map(({ name, at, round, value }) =>
      event(at, round).message(5, new MessageWriter().message(1, scalar(name, value))),
    ),
  ];
  const name = `events.out.tfevents.${Math.floor(run.startedAt / 1000)}.anabranch-${run.id}`;
  return { name, bytes: encodeRecords(records.map((record) => record.finish())) };
}

/** Summary.Value: tag = 1, simple_value = 2 (float32; a bound is rounded up). */
function scalar(tag: string, value: number): MessageWriter {
  const near = Math.fround(value);
  const isLow = tag === "privacy/epsilon" && near < value;
  return new MessageWriter().text(1, tag).float(2, isLow ? Math.fround(value * (1 + 2 ** -23)) : near);
}

/** Event: wall_time = 1 (seconds), step = 2. */
function event(at: number, step = 0): MessageWriter {
  const message = new MessageWriter().double(1, at / 1000);
  return step === 0 ? message : message.varint(2, step);
}

const STRINGS = 7;

/** Summary.Value: tag = 1, tensor = 8 (dtype 1, tensor_shape 2, string_val 8), metadata = 9 (plugin_data 1: plugin_name 1). */
function textValue(tag: string, text: string): MessageWriter {
  const tensor = new MessageWriter().varint(1, STRINGS).message(2, new MessageWriter()).text(8, text);
  const metadata = new MessageWriter().message(1, new MessageWriter().text(1, "text"));
  return new MessageWriter().text(1, tag).message(8, tensor).message(9, metadata);
}

/** A Markdown table: the text view shows it as such. */
function configText({ params, tags }: RunSeries): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const rows = [...tags, ...params].map(([key, value]) => `| ${cell(key)} | ${cell(value)} |`);
  return ["| key | value |", "|---|---|", ...rows].join("\n");
}
