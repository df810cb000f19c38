/** @file A file of JSON lines as rows that can be read in any order: only their places are kept. */

import { type ByteSource, piecesOfSource } from '../../../foundation/files/byte-source.ts'
import { ItemError } from '../errors.ts'
import { lineText, numberedLines, recordIn } from '../json-line.ts'
import { lineProblem } from './problem.ts'
import type { RowRecord, RowTable, ScannedRow } from './table.ts'

/** Takes the file over: `close` closes it. */
export function jsonTable(file: ByteSource): RowTable {
  const { name } = file
  /** First byte and length of each row that was scanned. */
  let starts: number[] = []
  let sizes: number[] = []
  async function* scan(): AsyncGenerator<ScannedRow> {
    starts = []
    sizes = []
    for await (const { line, start, size, content } of numberedLines(piecesOfSource(file), name)) {
      starts.push(start)
      sizes.push(size)
      if (content instanceof ItemError) yield { line, error: content }
      else {
        const found = recordIn(content)
        if ('record' in found) yield { line, record: found.record }
        else yield { line, error: lineProblem(`${name}, line ${line}`, found.problem, found.cause) }
      }
    }
  }
  return {
    name,
    noun: 'line',
    scan,
    read: async (index): Promise<RowRecord> => {
      const start = starts[index]!
      const found = recordIn(lineText(await file.read(start, sizes[index]!), start))
      if ('record' in found) return found.record
      throw lineProblem(`${name}, byte ${start}`, found.problem, found.cause)
    },
    close: () => file.close(),
  }
}
