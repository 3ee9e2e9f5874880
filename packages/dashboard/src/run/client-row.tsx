import { formatBytes, formatShare } from "../format.ts";
import type { RunStatus } from "./run-api.ts";

type Client = RunStatus["clients"][number];

interface Props {
  readonly client: Client;
  /** Whether it takes part in the round that is under way. */
  readonly chosen: boolean;
  /** Ejects or readmits; undefined: this page may not. */
  readonly steer: ((action: string) => void) | undefined;
}

/** A client with what it is doing. */
export function ClientRow({ client, chosen, steer }: Props) {
  const number = (label: string, value: string | number) => (
    <td data-label={label} class="number">
      {value}
    </td>
  );
  return (
    <tr>
      <td data-label="Client">{nameOf(client)}</td>
      <td data-label="State">
        <span class={client.connected && client.status === "enrolled" ? "state" : "state off"}>{stateOf(client)}</span>
      </td>
      <td data-label="In this round">{chosen ? "yes" : "no"}</td>
      {number("Accepted", client.accepted)}
      {number("Failed", client.failed)}
      {number("Sent to it", formatBytes(client.bytesDown))}
      {number("Received", formatBytes(client.bytesUp))}
      {number("Last seen", seenText(client))}
      {steer !== undefined && (
        <td data-label="Action">
          <EjectButton client={client} steer={steer} />
        </td>
      )}
    </tr>
  );
}

function EjectButton({ client, steer }: { client: Client; steer(action: string): void }) {
  const action = client.status === "ejected" ? "readmit" : "eject";
  return (
    <button
      type="button"
      class={action === "eject" ? "small danger" : "small"}
      aria-label={`${action} client ${client.client}`}
      onClick={() => steer(`clients/${client.client}/${action}`)}
    >
      {action === "eject" ? "Eject" : "Readmit"}
    </button>
  );
}

function nameOf({ client, name }: Client): string {
  return name === "" || name === `client ${client}` ? `${client}` : `${client} (${name})`;
}

function stateOf({ status, connected, phase, share }: Client): string {
  if (status === "ejected") return "ejected";
  if (!connected) return "gone";
  const moves = phase === "downloading" || phase === "uploading";
  return moves ? `${phase}, ${formatShare(share)}` : phase;
}

/** JSON has no undefined: a client that was never seen has no such number. */
function seenText({ lastSeenSeconds: seconds }: Client): string {
  if (typeof seconds !== "number") return "-";
  if (seconds < 5) return "now";
  return seconds < 90 ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`;
}
