import { listQuality } from "./list-quality.ts";
import type { ListedRun } from "./listed-run.ts";
import { hashOf } from "./route.ts";
import { Status } from "./status.tsx";

interface Props {
  readonly run: ListedRun;
  readonly isChosen: boolean;
  /** Whether one more run can be chosen. */
  readonly mayChoose: boolean;
  choose(isChosen: boolean): void;
}

/** One run of the list. */
export function ListRow({ run, isChosen, mayChoose, choose }: Props) {
  const { label, value, note } = listQuality(run);
  return (
    <tr>
      <td data-label="Compare">
        <input
          type="checkbox"
          aria-label={`Compare ${run.name}, run ${run.id}`}
          checked={isChosen}
          disabled={!isChosen && !mayChoose}
          onChange={(event) => choose(event.currentTarget.checked)}
        />
      </td>
      <td data-label="Name" class="first">
        <span>
          <a class="name" href={hashOf({ view: "run", folder: run.folder })}>
            {run.name}
          </a>{" "}
          <span class="detail">{run.id}</span>
        </span>
      </td>
      <td data-label="Status">
        <Status status={run.status} />
      </td>
      <td data-label="Method">{run.algorithm || "–"}</td>
      <td data-label="Data">{run.dataset || "–"}</td>
      <td data-label="Rounds" class="number">
        {run.roundsTotal === 0 ? "–" : `${run.roundsDone} of ${run.roundsTotal}`}
      </td>
      <td data-label={label} class="number">
        <span>
          {value}
          {note !== "" && <span class="detail note">{note}</span>}
        </span>
      </td>
      <td data-label="Privacy">{run.privacy || "–"}</td>
      <td data-label="Started">
        <StartTime iso={run.startedAt} />
      </td>
    </tr>
  );
}

/** When a run was first started, where the reader is; a dash where that is not known. */
export function StartTime({ iso }: { iso: string }) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return <>–</>;
  const text = date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return <time dateTime={iso}>{text}</time>;
}
