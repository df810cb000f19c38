/** @file Text from elsewhere, made safe to print. */

/** Control characters, line separators, and what turns the direction of writing. */
const STEERING = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Writes characters that steer a terminal as escapes: a name from the net must not clear the
 * screen, or look like another name.
 * @param lines whether line breaks and tabs stay as they are
 * @example printable('a\u001b[2Jb') // 'a\\u001b[2Jb'
 */
export function printable(text: string, { lines = false } = {}): string {
  return text.replace(STEERING, (char) =>
    lines && (char === '\n' || char === '\t')
      ? char
      : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
