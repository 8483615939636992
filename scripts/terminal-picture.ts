export interface TerminalLine {
  /** What was typed, what was printed, or a line with nothing on it. */
  readonly kind: 'command' | 'output' | 'gap'
  readonly text: string
}

/** In units of the picture; a character of a monospaced font is 0.6 of its height wide. */
const FONT = 14
const CHARACTER = FONT * 0.6
const LINE = 21
const MARGIN = 20
const BAR = 30
/** Of a step, and of a line that is printed after it, in seconds: an animation that ends, and stays as it is. */
const STEP_SECONDS = 0.9

const STYLE = `
  svg { color-scheme: light dark }
  .back { fill: #ffffff; stroke: #d0d7de }
  .bar { fill: #f0f2f5 }
  .dot { fill: #c4cad1 }
  text { font: ${FONT}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
  .prompt { fill: #1a7f37 }
  .command { fill: #1f2328; font-weight: 600 }
  .output { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117; stroke: #3d444d }
    .bar { fill: #1c2129 }
    .dot { fill: #3d444d }
    .prompt { fill: #3fb950 }
    .command { fill: #f0f6fc }
    .output { fill: #9198a1 }
  }
  .line { animation: appear 0.2s ease-out both }
  @keyframes appear { from { opacity: 0 } }
  @media (prefers-reduced-motion: reduce) { .line { animation: none } }
`

/** A terminal as an SVG: no font is fetched, light and dark follow the reader, and each step appears after the one before. */
export function terminalPicture(lines: readonly TerminalLine[]): string {
  const characters = Math.max(...lines.map(({ text, kind }) => text.length + (kind === 'command' ? 2 : 0)))
  const width = Math.ceil(characters * CHARACTER) + 2 * MARGIN
  const height = BAR + lines.length * LINE + 2 * MARGIN
  const spoken = lines
    .filter(({ kind }) => kind !== 'gap')
    .map(({ text, kind }) => (kind === 'command' ? `$ ${text}` : text))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(spoken.join('; '))}">`,
    `<style>${STYLE}</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    `<path class="bar" d="M1 9a8 8 0 0 1 8-8h${width - 18}a8 8 0 0 1 8 8v${BAR - 9}H1z"/>`,
    ...[18, 36, 54].map((x) => `<circle class="dot" cx="${x}" cy="${BAR / 2}" r="5"/>`),
    ...drawn(lines),
    '</svg>\n',
  ].join('\n')
}

function drawn(lines: readonly TerminalLine[]): string[] {
  let step = -1
  return lines.flatMap(({ kind, text }, at) => {
    if (kind === 'gap') return []
    if (kind === 'command') step++
    const seconds = step * 2 * STEP_SECONDS + (kind === 'command' ? 0 : STEP_SECONDS)
    const place = `class="line" x="${MARGIN}" y="${BAR + MARGIN + FONT + at * LINE}" style="animation-delay:${seconds.toFixed(1)}s"`
    const prompt = kind === 'command' ? '<tspan class="prompt">$ </tspan>' : ''
    return [`<text ${place}>${prompt}<tspan class="${kind}">${escaped(text)}</tspan></text>`]
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
