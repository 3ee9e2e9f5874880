import { useEffect, useRef } from "preact/hooks";
import { hashOf, type Route } from "./route.ts";

const titles: Readonly<Record<Route["view"], string>> = {
  list: "Runs",
  new: "New run",
  run: "Run",
  compare: "Runs side by side",
};

/** Names the view in the title, and moves the focus to its heading when it changes: the link that led there is gone. */
export function useAnnouncedView(route: Route): void {
  const known = useRef(hashOf(route));
  useEffect(() => {
    document.title = `${titles[route.view]} · Anabranch`;
    const isNew = known.current !== hashOf(route);
    known.current = hashOf(route);
    const heading = document.querySelector("h1");
    if (!isNew || heading === null) return;
    heading.tabIndex = -1;
    heading.focus();
  }, [hashOf(route)]);
}
