import { useSignal } from "@preact/signals";
import type { DataSource } from "../client/messages.ts";
import { imagesOf } from "./files.ts";

/** A folder with images. */
export function FolderChoice({ choose }: { choose(source: DataSource | undefined): void }) {
  const count = useSignal(0);
  const open = (list: FileList | null) => {
    const files = imagesOf(list);
    count.value = files.length;
    choose(files.length === 0 ? undefined : { kind: "images", files });
  };
  return (
    <div class="indented">
      <label>
        Folder with PNG and JPEG files
        <br />
        <input
          type="file"
          ref={(input) => void input?.setAttribute("webkitdirectory", "")}
          onChange={(event) => open(event.currentTarget.files)}
        />
      </label>
      <p class="detail">{count.value.toLocaleString("en")} images chosen.</p>
    </div>
  );
}
