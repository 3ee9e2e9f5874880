import type { Failure } from "@anabranch/engine";
import { useSignal } from "@preact/signals";
import { TokenForm } from "../view/token-form.tsx";
import type { RunStatus } from "./run-api.ts";

interface Props {
  readonly state: RunStatus["state"] | undefined;
  readonly hasToken: boolean;
  /** Why the last action failed. */
  readonly failure: Failure | undefined;
  setToken(token: string): void;
  steer(action: string): void;
}

const stoppable: ReadonlySet<RunStatus["state"]> = new Set(["waiting", "running", "paused"]);

/** Steers a run, for whoever has the operator's token. */
export function OperatorCard({ state, hasToken, failure, setToken, steer }: Props) {
  const stopping = useSignal(false);
  const ask = (open: boolean) => {
    stopping.value = open;
  };
  return (
    <section class="card" aria-labelledby="operator">
      <h2 id="operator">Operator</h2>
      {failure !== undefined && (
        <p role="alert" class="state off">
          {failure.message}. {failure.advice}
        </p>
      )}
      {!hasToken && <TokenForm label="Operator token, as anabranch serve printed it" setToken={setToken} />}
      {hasToken && !stopping.value && (
        <div class="buttons">
          <button type="button" disabled={state !== "running" && state !== "waiting"} onClick={() => steer("pause")}>
            Pause
          </button>
          <button type="button" disabled={state !== "paused"} onClick={() => steer("resume")}>
            Resume
          </button>
          <button
            type="button"
            class="danger"
            disabled={state === undefined || !stoppable.has(state)}
            onClick={() => ask(true)}
          >
            Stop
          </button>
          <button type="button" onClick={() => setToken("")}>
            Forget the token
          </button>
        </div>
      )}
      {hasToken && stopping.value && (
        <StopQuestion
          answer={(stop) => {
            ask(false);
            if (stop) steer("stop");
          }}
        />
      )}
    </section>
  );
}

function StopQuestion({ answer }: { answer(stop: boolean): void }) {
  return (
    <fieldset>
      <legend>Stop the run?</legend>
      <p>The run finishes its round, saves and stops. To continue it later: anabranch serve --resume RUN</p>
      <div class="buttons">
        <button type="button" class="danger" onClick={() => answer(true)}>
          Stop the run
        </button>
        <button type="button" onClick={() => answer(false)}>
          Keep it running
        </button>
      </div>
    </fieldset>
  );
}
