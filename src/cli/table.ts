const GAP = '  '

/** Columns as wide as what is in them; numbers to the right. */
export function formatTable(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const widths = titles.map((title, column) => {
    return rows.reduce((width, row) => Math.max(width, String(row[column]).length), title.length)
  })
  const right = titles.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column]!)))
  const lines = [titles, ...rows].map((row) =>
    row
      .map((cell, column) =>
        right[column] ? String(cell).padStart(widths[column]!) : String(cell).padEnd(widths[column]!),
      )
      .join(GAP)
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

function isNumeric(cell: string | number): boolean {
  return typeof cell === 'number' || cell === '-'
}

/** `1 partition`, `2 partitions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
