/** @file Reads vectors from lines of JSON: `{"id": …, "vector": […]}`. */

import { ItemError } from '../../../../inputs/data/errors.ts'
import { numberedLines, recordIn } from '../../../../inputs/data/json-line.ts'
import { piecesOf } from '../../../../inputs/data/lines.ts'
import { vectorOf } from './parquet.ts'
import { damaged, type ReadVectorsOptions, SetCollector, VECTOR_NAMES, type VectorSet } from './set.ts'

/**
 * The keys `id`, `index` and `scale` are used where they are there, as `embed` writes them.
 * @throws EmbedderError `embedder/vector-file`; ItemError for a line that is not read; FileError
 */
export async function readVectorLines(path: string, { name }: ReadVectorsOptions): Promise<VectorSet> {
  const set = new SetCollector(path)
  let row = 0
  for await (const { line, content } of numberedLines(piecesOf(path), path)) {
    if (content instanceof ItemError) throw content
    const where = `line ${line}`
    const found = recordIn(content)
    if ('problem' in found) throw damaged(path, `${where}: ${found.problem}`, found.cause)
    const { record } = found
    const key = name ?? VECTOR_NAMES.find((one) => one in record)
    if (key === undefined || !(key in record))
      throw damaged(path, `${where}: no ${name ?? 'vector'} among the keys ${Object.keys(record).join(', ')}`)
    const scale = typeof record.scale === 'number' ? record.scale : 1
    const index = typeof record.index === 'number' ? record.index : row
    const vector = vectorOf(record[key], path, where).map((element) => element * scale)
    set.add({ vector, index, ...('id' in record && { id: String(record.id) }) }, where)
    row += 1
  }
  return set.finish()
}
