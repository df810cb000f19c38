import { beforeAll, describe, expect, test } from 'vitest'
import { shippedData } from '../../../foundation/files/shipped.ts'
import { keyed } from '../../../inputs/data/item.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { loadWorld, type World } from '../../../inputs/scenes/world.ts'
import { settingOf } from '../options.ts'
import { type StudyWorld, studyWorld } from '../world.ts'
import { withCaptions } from './captions.ts'

let scenes: World
let given: StudyWorld
let captioned: StudyWorld
beforeAll(async () => {
  scenes = await loadWorld(shippedData(), 'small')
  const limits = { train: 30, dev: 2, test: 12, candidates: 12 }
  given = await studyWorld(settingOf({ out: '', pairs: 4, limits }))
  captioned = withCaptions(given, scenes)
})
const task = (name: string) => captioned.tasks.find((one) => one.name === name)!

describe('substitution', () => {
  test('leaves no picture in any row, and changes nothing else', () => {
    const items = ({ train, dev, test }: Task) =>
      [...train, ...dev, ...test].flatMap(({ query, candidates }) => [query, ...candidates])
    for (const [i, own] of captioned.tasks.entries()) {
      const [before, after] = [items(given.tasks[i]!), items(own)]
      expect(after.some(({ image }) => image !== undefined)).toBe(false)
      expect(after.map(({ instruction }) => instruction)).toEqual(
        before.map(({ instruction }) => instruction),
      )
      const unchanged = before.flatMap((item, at) => (item.image === undefined ? [at] : []))
      expect(unchanged.every((at) => after[at] === before[at])).toBe(true)
    }
    const learnt = captioned.training.flatMap(({ pairs }) =>
      pairs.flatMap(({ query, target, negatives }) => [query, target, ...negatives]),
    )
    expect(learnt.some(({ image }) => image !== undefined)).toBe(false)
    expect(captioned.pairs).toBe(given.pairs)
  })

  test.each(['object-label', 'withheld-label', 'held-out-what', 'scene-what', 'scene-shape-colour'])(
    'the caption of %s holds the answer',
    (name) => {
      for (const { query, candidates, positive } of task(name).test)
        expect(query.text).toContain(candidates[positive]!.text)
    },
  )

  test.each(['scene-t2i', 'composed-background', 'composed-count', 'cross-style', 'held-out-t2i'])(
    'no wrong candidate of %s has the caption of the right one',
    (name) => {
      for (const { candidates, positive } of task(name).test) {
        const right = candidates[positive]!.text
        expect(candidates.filter(({ text }) => text === right)).toHaveLength(1)
      }
    },
  )

  test('scenes of one caption become one item', () => {
    const rows = task('scene-i2t').test
    for (const { query, candidates, positive } of rows) expect(query.text).toBe(candidates[positive]!.text)
  })

  test('a picture that is no scene is refused', () => {
    const photo = { key: 'a photo', read: () => ({ width: 1, height: 1, data: new Uint8Array(3) }) }
    const [first] = given.tasks
    const row = { ...first!.test[0]!, query: keyed({ image: photo }) }
    const tasks = [{ ...first!, test: [row] }]
    expect(() => withCaptions({ ...given, tasks }, scenes)).toThrow(
      expect.objectContaining({ code: 'study/no-caption' }),
    )
  })
})
