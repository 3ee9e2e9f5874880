import { useEffect } from "preact/hooks";
import { FailureCard } from "../failure-card.tsx";
import type { Dashboard } from "./dashboard.ts";
import { SectionFields } from "./form-section.tsx";
import { fieldAt, fieldsOf } from "./form-values.ts";
import { hashOf } from "./route.ts";

/** The form of a new run. */
export function NewRunView({ dashboard }: { dashboard: Dashboard }) {
  const { newRun } = dashboard;
  const { value: sections } = newRun.sections;
  const { value: values } = newRun.values;
  const { value: failure } = newRun.failure;
  const isBusy = dashboard.isBusy;
  useEffect(() => void newRun.load(), []);
  const fields = (sections ?? []).flatMap((section) => fieldsOf(section, values));
  const isElsewhere = failure !== undefined && fieldAt(failure.where, fields) === undefined;
  const start = async () => {
    if (await newRun.start()) await dashboard.look();
    else document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  };
  return (
    <>
      <nav>
        <a href={hashOf({ view: "list" })}>All runs</a>
      </nav>
      <h1>New run</h1>
      <p class="lead">
        One run is started at a time. It ends with the dashboard, and can then be resumed. For own files use anabranch
        run.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        {sections === undefined && failure === undefined && <p role="status">Reading the form.</p>}
        {sections?.map((section) => (
          <SectionFields
            key={section.path}
            section={section}
            values={values}
            failure={failure}
            change={(path, text) => newRun.change(path, text)}
          />
        ))}
        {failure !== undefined && isElsewhere && <FailureCard failure={failure} title="The run cannot be started" />}
        {failure !== undefined && !isElsewhere && (
          <p role="alert" class="wrong">{`One value is wrong: ${failure.where}.`}</p>
        )}
        <button type="submit" class="primary" disabled={isBusy || sections === undefined}>
          Start the run
        </button>
      </form>
    </>
  );
}
