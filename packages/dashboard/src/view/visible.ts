/** How long a hidden page stays connected, in milliseconds. */
const patienceMs = 30_000;

/**
 * Aborted once the page has been hidden for a while: browsers open six connections to a server at a time, and tabs that
 * nobody looks at would take them from others.
 */
export function whileVisible(page: Document): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (page.hidden) timer = setTimeout(() => controller.abort(), patienceMs);
  };
  page.addEventListener("visibilitychange", look);
  look();
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      page.removeEventListener("visibilitychange", look);
    },
  };
}

/** Resolves at once where the page is visible, else when it becomes so. */
export function untilVisible(page: Document): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (page.hidden) return;
      page.removeEventListener("visibilitychange", look);
      resolve();
    };
    page.addEventListener("visibilitychange", look);
    look();
  });
}
