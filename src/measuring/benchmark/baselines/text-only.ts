import { keyed } from '../../../inputs/data/item.ts'
import type { SeenBaseline } from './baseline.ts'
import { hasPicture, hasWords } from './parts.ts'

/** Queries without their pictures: is the picture needed at all? */
export const textOnly: SeenBaseline = {
  kind: 'seen',
  name: 'text-only',
  label: 'the text of the query alone',
  seen(task) {
    if (!task.test.some(({ query }) => hasPicture(query))) return undefined
    if (!task.test.every(({ query }) => hasWords(query))) return undefined
    return {
      ...task,
      test: task.test.map((row) => {
        const { instruction, text } = row.query
        return { ...row, query: keyed({ instruction, text }) }
      }),
    }
  },
}
