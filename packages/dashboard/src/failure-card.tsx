import type { Failure } from "@anabranch/engine";

/** What went wrong and what to do. */
export function FailureCard({ failure, title }: { failure: Failure; title: string }) {
  const { code, message, where, received, expected, advice } = failure;
  const details = [where, received && `received: ${received}`, expected && `expected: ${expected}`, code];
  return (
    <section class="card failure" role="alert">
      <h2>{title}</h2>
      <p>{sentence(message)}</p>
      {advice !== undefined && <p>{advice}</p>}
      <p class="detail">{details.filter((text) => text !== undefined && text !== "").join(" · ")}</p>
    </section>
  );
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
