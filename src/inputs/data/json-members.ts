/**
 * @file The members of a JSON object as they are written. `JSON.parse` rounds whole numbers above
 * 2⁵³ and keeps the last of two equal keys, and reports neither.
 */

/**
 * @param json a valid JSON object: this is a scan, not a parser
 * @returns key and value of each member of the outermost object, the value as text
 */
export function* jsonMembers(json: string): Generator<[key: string, value: string]> {
  let at = json.indexOf('{') + 1
  for (;;) {
    const quote = json.indexOf('"', at)
    if (quote === -1) return
    const close = stringEnd(json, quote)
    const key: unknown = JSON.parse(json.slice(quote, close + 1))
    const start = json.indexOf(':', close) + 1
    at = valueEnd(json, start)
    yield [String(key), json.slice(start, at).trim()]
    if (json[at] === '}') return
  }
}

/** Where the comma or brace after the value at `start` stands. */
function valueEnd(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const char = json[at]
    if (char === '"') at = stringEnd(json, at)
    else if (char === '{' || char === '[') depth += 1
    else if (depth > 0 && (char === '}' || char === ']')) depth -= 1
    else if (depth === 0 && (char === ',' || char === '}')) return at
  }
  return json.length
}

/** Where the string that begins at `start` has its closing quote. */
function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(json: string, at: number): boolean {
  let slashes = 0
  while (json[at - 1 - slashes] === '\\') slashes += 1
  return slashes % 2 === 1
}
