/** Keeps the screen of a phone on while its page trains: phones stop pages when it goes off. Returns what ends it. */
export function keepScreenOn(): () => void {
  let lock: WakeLockSentinel | undefined;
  let over = false;
  const ask = async () => {
    if (over || document.hidden) return;
    // a device with little battery may refuse
    lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (over) void lock?.release();
  };
  void ask();
  document.addEventListener("visibilitychange", ask);
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}
