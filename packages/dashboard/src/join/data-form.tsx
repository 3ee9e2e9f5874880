import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DataSource } from "../client/messages.ts";
import { demoDataset } from "./demo-data.ts";
import { FolderChoice } from "./folder-choice.tsx";
import type { Link } from "./link.ts";
import { TableChoice } from "./table-choice.tsx";

interface Props {
  readonly link: Link;
  /** Whether the client has taken part before. */
  readonly again: boolean;
  start(name: string, source: DataSource): void;
}

type Kind = DataSource["kind"];

/** Chooses the data to train on and starts. */
export function DataForm({ link, again, start }: Props) {
  const kind = useSignal<Kind>("csv");
  const demo = useSignal<string | undefined>(undefined);
  const files = useSignal<DataSource | undefined>(undefined);
  const name = useSignal("");
  useEffect(() => {
    void demoDataset(link.api).then((dataset) => {
      demo.value = dataset;
      if (dataset !== undefined) kind.value = "demo";
    });
  }, [link.api]);
  const source: DataSource | undefined = kind.value === "demo" ? { kind: "demo" } : files.value;
  const choose = (chosen: DataSource | undefined) => {
    files.value = chosen;
  };
  const choice = (value: Kind, text: string) => (
    <Choice
      value={value}
      text={text}
      checked={kind.value === value}
      take={() => {
        kind.value = value;
        files.value = undefined;
      }}
    />
  );
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (source !== undefined) start(name.value.trim(), source);
      }}
    >
      <fieldset>
        <legend>Data to train on</legend>
        {demo.value !== undefined && choice("demo", `A share of the demo data (${demo.value}), to try it out`)}
        {choice("csv", "A table of mine (CSV)")}
        {kind.value === "csv" && <TableChoice choose={choose} />}
        {choice("images", "Images of mine, in one folder for each class")}
        {kind.value === "images" && <FolderChoice choose={choose} />}
      </fieldset>
      <NameField name={name} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={source === undefined}>
          {again ? "Join again" : "Start training"}
        </button>
      </div>
      {source === undefined && <p class="detail">Choose your data first.</p>}
    </form>
  );
}

function Choice({ value, text, checked, take }: { value: Kind; text: string; checked: boolean; take(): void }) {
  return (
    <label class="choice">
      <input type="radio" name="data" value={value} checked={checked} onChange={take} />
      <span>{text}</span>
    </label>
  );
}

function NameField({ name }: { name: Signal<string> }) {
  return (
    <label class="field">
      Name that the operator sees (optional)
      <input
        type="text"
        maxLength={64}
        autocomplete="off"
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}
