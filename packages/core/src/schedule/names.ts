/** Schedules by the names that users type; all but the first keep clients training without a cohort. */
export const scheduleNames = ["synchronous", "buffered", "ticks", "arrival-groups"] as const;
export type ScheduleName = (typeof scheduleNames)[number];
