import { formatBytes, formatPlural, formatShare } from "../format.ts";
import type { View } from "./training.ts";

const phases: Readonly<Record<string, string>> = {
  waiting: "Waiting",
  downloading: "Receiving the model",
  training: "Training on your data",
  uploading: "Sending the update",
};

/** What the client is doing, and what it has done. */
export function Progress({ view, leave }: { view: View; leave(): void }) {
  const { connection, joined, activity, accepted, down, up, result, log } = view;
  const active = connection !== "none";
  return (
    <section class="card" aria-label="Progress">
      <div class="title">
        <h2>{stateText(view)}</h2>
        <span class={connection === "connected" ? "state" : "state off"} role="status">
          {active ? connection : "not connected"}
        </span>
      </div>
      {active && (
        <>
          <label>
            {activityText(view)}
            <progress max={1} value={activity?.phase === "training" ? undefined : (activity?.share ?? 0)} />
          </label>
          <p class="detail">Keep this tab open. You may use other tabs meanwhile; a phone has to keep its screen on.</p>
        </>
      )}
      <dl class="facts">
        <Fact name="Updates accepted" value={accepted.toLocaleString("en")} />
        <Fact name="Received" value={formatBytes(down)} />
        <Fact name="Sent" value={formatBytes(up)} />
        {joined !== undefined && <Fact name="My examples" value={joined.examples.toLocaleString("en")} />}
        {joined !== undefined && <Fact name="Client number" value={`client ${joined.client}`} />}
        {joined?.privacy !== undefined && <Fact name="Epsilon" value={joined.privacy} />}
        {joined !== undefined && <Fact name="Training" value={`${joined.algorithm}, ${joined.model}`} />}
      </dl>
      {result?.modelHash !== undefined && (
        <p class="detail">
          The model after {formatPlural(result.round, "round")}: <span data-model-hash>{result.modelHash}</span>
        </p>
      )}
      {active && (
        <div class="buttons">
          <button type="button" class="danger" onClick={leave}>
            Leave
          </button>
        </div>
      )}
      {log.length > 0 && (
        <section aria-label="Events">
          <h3>Events</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls has to be reached by keyboard */}
          <ul class="log" tabIndex={0}>
            {log.map(({ id, at, text, bad }) => (
              <li key={id} class={bad ? "bad" : undefined}>
                <time dateTime={at.toISOString()}>{at.toLocaleTimeString("en-GB")}</time>
                {text}
              </li>
            ))}
          </ul>
        </section>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function stateText({ connection, joined, result, failure }: View): string {
  if (result?.stopped === "left") return "You have left the run";
  if (result !== undefined) return "The run is over. Thank you!";
  if (failure !== undefined) return "What was done before";
  if (connection === "connected" || joined !== undefined) return "You are taking part";
  return "Joining";
}

function activityText({ activity, connection }: View): string {
  if (activity !== undefined) {
    const share = activity.phase === "training" ? "" : ` (${formatShare(activity.share)})`;
    return `Round ${activity.order.split("/")[0]}: ${phases[activity.phase] ?? activity.phase}${share}`;
  }
  return connection === "connected" ? "Waiting for the next round" : "Connecting to the server";
}
