import type { LogLine } from "./log-line.ts";

/** What happened, the newest first. */
export function EventList({ log }: { log: readonly LogLine[] }) {
  return (
    <section class="card" aria-labelledby="events">
      <h2 id="events">Events</h2>
      {log.length === 0 && <p>Nothing has happened yet.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls has to be reached by keyboard */}
      <ul class="log" aria-labelledby="events" tabIndex={0}>
        {log.map(({ id, at, text, bad }) => (
          <li key={id} class={bad ? "bad" : undefined}>
            <time dateTime={at}>{at === "" ? "" : new Date(at).toLocaleTimeString("en-GB")}</time>
            {text}
          </li>
        ))}
      </ul>
    </section>
  );
}
