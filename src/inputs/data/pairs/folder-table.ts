/**
 * @file A folder of classes as rows: each picture, and the name of the sub-folder that it is in.
 */

import { folderLines } from '../folder.ts'
import type { RowRecord, RowTable, ScannedRow } from './table.ts'

/**
 * Lists the pictures of a folder and of its sub-folders. The first folder of a path is the class:
 * `cat/kittens/1.png` is a cat.
 * @throws FileError `file/read`
 */
export async function folderTable(dir: string): Promise<RowTable> {
  const paths = (await folderLines(dir)).map(({ id }) => id ?? '')
  const recordOf = (path: string): RowRecord => {
    const end = path.indexOf('/')
    return { query_image: path, target: end === -1 ? '' : path.slice(0, end) }
  }
  async function* scan(): AsyncGenerator<ScannedRow> {
    for (const [i, path] of paths.entries()) yield { line: i + 1, record: recordOf(path) }
  }
  return {
    name: dir,
    noun: 'picture',
    columns: ['query_image', 'target'],
    scan,
    read: async (index) => recordOf(paths[index]!),
    close: async () => {},
  }
}
