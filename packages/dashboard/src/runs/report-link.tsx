/** Leads to a report, which opens in a tab of its own and works offline once saved. */
export function ReportLink({ path }: { path: string }) {
  return (
    <>
      {" · "}
      <a href={path} target="_blank" rel="noopener">
        Open the report
      </a>
    </>
  );
}
