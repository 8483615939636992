/** A cell of at least so many characters, left-aligned, as `%-15s` prints it. */
export function cell(value: string | number, width: number): string {
  return String(value).padEnd(width)
}

/** Columns as wide as their widest cell, with so many blanks between. */
export function columns(rows: readonly (readonly string[])[], gap: string): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) => row.map((value, at) => value.padEnd(widths[at]!)).join(gap)).join('\n')
}
