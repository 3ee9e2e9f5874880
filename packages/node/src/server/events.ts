import type { Feed } from "./event-feed.ts";

/** Seconds after which an idle stream says that it lives. */
const quietSeconds = 15;

/**
 * The events of a run as server-sent events; each has its line number as id, so that a browser continues where it was.
 *
 * @param after number of the last event that the client has
 */
export function eventStream(feed: Feed, after: number): Response {
  const left = new AbortController();
  const lines = feed.follow(after, quietSeconds, left.signal);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // headers reach the client at once
        controller.enqueue(encoder.encode(": events\n\n"));
      },
      async pull(controller) {
        const { done, value } = await lines.next();
        if (done === true) controller.close();
        else
          controller.enqueue(encoder.encode(value === undefined ? ": quiet\n\n" : eventText(value.number, value.text)));
      },
      async cancel() {
        left.abort();
        await lines.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } });
}

function eventText(id: number, line: string): string {
  return `id: ${id}\ndata: ${line.replaceAll("\r", "")}\n\n`;
}
