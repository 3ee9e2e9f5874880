import { useSignal } from "@preact/signals";

interface Props {
  /** What the token is, and where to find it. */
  readonly label: string;
  setToken(token: string): void;
}

/** Takes a token from somebody who has it. */
export function TokenForm({ label, setToken }: Props) {
  const typed = useSignal("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setToken(typed.value.trim());
      }}
    >
      <label class="field">
        {label}
        <input
          type="password"
          autocomplete="off"
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" disabled={typed.value.trim() === ""}>
        Unlock
      </button>
    </form>
  );
}
