/**
 * @file Finds keys that a JSON text gives twice. `JSON.parse` silently keeps the last one, which
 * would hide a tensor.
 */

/**
 * Finds the first key that one object has twice.
 * @param json valid JSON: this function scans, it does not parse
 */
export function repeatedKey(json: string): string | undefined {
  /** One entry for each open bracket: the keys so far, or undefined inside a list. */
  const open: (Set<string> | undefined)[] = []
  let keyNext = false
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '{') {
      open.push(new Set())
      keyNext = true
    } else if (char === '[') {
      open.push(undefined)
      keyNext = false
    } else if (char === '}' || char === ']') {
      open.pop()
    } else if (char === ',') {
      keyNext = open.at(-1) !== undefined
    } else if (char === '"') {
      const end = stringEnd(json, at)
      if (keyNext) {
        const key = String(JSON.parse(json.slice(at, end + 1)))
        const keys = open.at(-1)
        if (keys?.has(key)) return key
        keys?.add(key)
        keyNext = false
      }
      at = end
    }
  }
  return undefined
}

/** The index of the closing quote of the string that begins at `start`. */
function stringEnd(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
