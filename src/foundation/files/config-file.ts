/**
 * @file Settings in a YAML or JSON file. Remembers the line of every key, so that a message can
 * name it.
 */

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { UsageError } from '../numeric/errors.ts'
import { readText } from './file.ts'
import type { SettingPath } from './settings.ts'

export interface ConfigFile {
  readonly path: string
  /** As plain data. */
  readonly value: Readonly<Record<string, unknown>>
  /** Counted from 1; of the nearest key above where the key itself is not in the file. */
  lineOf(key: SettingPath): number
}

/**
 * Reads a file. JSON is read as YAML, which it is a part of.
 * @throws UsageError `usage/config` for another syntax, a key that stands twice, or no object at
 *   the top; FileError `file/missing`, `file/read`
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const lines = new LineCounter()
  const document = parseDocument(await readText(path), { lineCounter: lines, prettyErrors: false })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    throw new UsageError('config', {
      message: `${path}, line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`,
      hint: 'Correct the YAML, or the JSON; keys are unique.',
      cause: problem,
    })
  }
  const { contents } = document
  if (!isMap(contents)) {
    throw new UsageError('config', {
      message: `${path}: expected keys and values at the top`,
      hint: 'Write settings as `key: value`, or as a JSON object.',
    })
  }
  const value: Record<string, unknown> = document.toJS()
  return {
    path,
    value,
    lineOf: (key) => lines.linePos(offsetOf(contents, key)).line,
  }
}

/** Where a key begins; of the nearest one above where it is absent. */
function offsetOf(root: unknown, path: SettingPath): number {
  let [node, offset] = [root, 0]
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) return offset
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part]
      if (isMap(node) || isScalar(node) || isSeq(node)) offset = node.range?.[0] ?? offset
    } else return offset
  }
  return offset
}
