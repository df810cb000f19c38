import { keyed } from '../../../inputs/data/item.ts'
import type { SeenBaseline } from './baseline.ts'
import { hasPicture, hasWords } from './parts.ts'

/** Queries without their words: is the question needed at all? */
export const imageOnly: SeenBaseline = {
  kind: 'seen',
  name: 'image-only',
  label: 'the picture of the query alone',
  seen(task) {
    if (!task.test.some(({ query }) => hasWords(query))) return undefined
    if (!task.test.every(({ query }) => hasPicture(query))) return undefined
    return {
      ...task,
      test: task.test.map((row) => ({ ...row, query: keyed({ image: row.query.image }) })),
    }
  },
}
