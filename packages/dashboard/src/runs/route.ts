/** Which view the page shows. */
export type Route =
  | { readonly view: "list" }
  | { readonly view: "new" }
  | { readonly view: "run"; readonly folder: string }
  | { readonly view: "compare"; readonly folders: readonly string[] };

/** The view that the fragment of an address names; the list where it names none. */
export function parseRoute(hash: string): Route {
  if (hash === "#/new") return { view: "new" };
  const [, view, rest = ""] = /^#\/(\w+)\/(.*)$/.exec(hash) ?? [];
  const names = rest
    .split("/")
    .map(decoded)
    .filter((name) => name !== "");
  if (view === "run" && names[0] !== undefined) return { view, folder: names[0] };
  if (view === "compare" && names.length > 0) return { view, folders: names };
  return { view: "list" };
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case "list":
      return "#/";
    case "new":
      return "#/new";
    case "run":
      return `#/run/${encodeURIComponent(route.folder)}`;
    case "compare":
      return `#/compare/${route.folders.map(encodeURIComponent).join("/")}`;
  }
}

/** Nothing where the text is not encoded as it should be. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
