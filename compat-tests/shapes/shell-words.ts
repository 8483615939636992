const BLANK = /\s/

/** Splits a command line into its words as a POSIX shell would, without expanding anything. */
export function shellWords(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quote === "'" && character !== "'") word += character
    else if (character === '\\' && (quote === '' || /["\\]/.test(text[at + 1] ?? ''))) {
      at++
      // A line that goes on is one line.
      if (text[at] !== '\n') word = (word ?? '') + (text[at] ?? '')
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      word ??= ''
    } else if (quote === '' && BLANK.test(character)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw new Error(`a ${quote} is not closed in: ${text}`)
  if (word !== null) words.push(word)
  return words
}
