/**
 * @file Substitution: each picture of the embedded scenes replaced by a caption that says all that
 * tasks ask about it. Models that differ on pictures, and not on these, differ on the picture side.
 */

import { type KeyedItem, keyed } from '../../../inputs/data/item.ts'
import type { Row, Task } from '../../../inputs/data/task.ts'
import { Drawing } from '../../../inputs/scenes/drawing.ts'
import { captions } from '../../../inputs/scenes/texts.ts'
import type { World } from '../../../inputs/scenes/world.ts'
import { StudyError } from '../errors.ts'
import type { StudyWorld } from '../world.ts'

/**
 * Training, dev and test rows without pictures. The analysis pairs keep theirs: their measures say
 * how a model that never saw a picture while it was tuned places pictures.
 * @param scenes names the things in captions
 * @throws StudyError `study/no-caption` for a picture that is no scene
 */
export function withCaptions(world: StudyWorld, scenes: World): StudyWorld {
  const made = new Map<KeyedItem, KeyedItem>()
  const replaced = (item: KeyedItem): KeyedItem => {
    const known = made.get(item) ?? captioned(item, scenes)
    made.set(item, known)
    return known
  }
  const rows = (own: readonly Row[]) =>
    own.map((row) => ({ ...row, query: replaced(row.query), candidates: row.candidates.map(replaced) }))
  const tasks = world.tasks.map(
    (task): Task => ({ ...task, train: rows(task.train), dev: rows(task.dev), test: rows(task.test) }),
  )
  const training = world.training.map((own) => ({
    ...own,
    pairs: own.pairs.map(({ query, target, negatives, ...pair }) => ({
      ...pair,
      query: replaced(query),
      target: replaced(target),
      negatives: negatives.map(replaced),
    })),
  }))
  return { ...world, tasks, training }
}

/** The item with captions where its pictures were: before its own text, as pictures stand. */
function captioned(item: KeyedItem, scenes: World): KeyedItem {
  const { instruction, text, image } = item
  if (image === undefined) return item
  const words = image.map((picture) => {
    if (picture instanceof Drawing) return captions(picture.description, scenes).background
    throw new StudyError('no-caption', {
      message: `the picture ${picture.key} is no embedded scene, whose caption is known`,
      hint: 'Substitution needs the embedded tasks.',
    })
  })
  return keyed({ instruction, text: [...words, ...(text === undefined ? [] : [text])].join(' ') })
}
