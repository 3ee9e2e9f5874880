/** Into which arrival group a client goes, and with how many local steps, so that the members of a group arrive together. */

export interface GroupLimits {
  /** Q_min and Q_max: local steps of a client. */
  readonly minSteps: number;
  readonly maxSteps: number;
  /** lambda: how much longer than expected a group waits for its members. */
  readonly latestFactor: number;
}

/** Clients that are to arrive together. Times in seconds. */
export interface ArrivalGroup {
  readonly number: number;
  /** T: when its members are expected. */
  readonly expected: number;
  /** L: when it ends, whoever has arrived. */
  readonly latest: number;
}

/** A group with the time per step of its fastest member, in seconds. */
export interface OpenGroup extends ArrivalGroup {
  readonly fastest: number;
}

export interface Assignment {
  readonly steps: number;
  /** Number of the group to join; undefined: a new one with these times. */
  readonly joined?: number;
  readonly expected: number;
  readonly latest: number;
}

/**
 * The group in which a client with `speed` seconds per step does most steps within the limits, the later one among equals. A
 * new group otherwise: its steps are such that the fast members of another group can join it after their next round.
 *
 * @example assignGroup([], 0.5, 10, { minSteps: 20, maxSteps: 100, latestFactor: 1.5 }) // { steps: 100, expected: 60, latest: 85 }
 */
export function assignGroup(groups: readonly OpenGroup[], speed: number, now: number, limits: GroupLimits): Assignment {
  const { minSteps, maxSteps, latestFactor } = limits;
  let joined: (OpenGroup & { readonly steps: number }) | undefined;
  for (const group of groups) {
    const steps = Math.floor((group.expected - now) / speed);
    if (steps < minSteps || steps > maxSteps) continue;
    if (joined === undefined || steps >= joined.steps) joined = { ...group, steps };
  }
  if (joined !== undefined) {
    const { number, expected, latest, steps } = joined;
    return { steps, joined: number, expected, latest };
  }
  const possible = groups
    .filter(({ latest }) => now < latest)
    .map(({ latest, fastest }) => Math.floor((latest + fastest * maxSteps - now) / speed))
    .filter((steps) => steps <= maxSteps);
  const steps = possible.length === 0 ? maxSteps : Math.max(minSteps, ...possible);
  return { steps, expected: now + steps * speed, latest: now + latestFactor * steps * speed };
}
