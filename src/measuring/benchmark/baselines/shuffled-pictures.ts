import { withShuffledPictures } from '../task.ts'
import type { SeenBaseline } from './baseline.ts'
import { hasPicture } from './parts.ts'

/** Every query with the picture of another one: how much does text alone find? */
export const shuffledPictures: SeenBaseline = {
  kind: 'seen',
  name: 'shuffled',
  label: 'shuffled pictures',
  seen(task, seed) {
    const pictured = task.test.filter(({ query, candidates }) => [query, ...candidates].some(hasPicture))
    return pictured.length > 1 ? withShuffledPictures(task, seed) : undefined
  },
}
