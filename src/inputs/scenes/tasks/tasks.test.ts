import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { shippedData } from '../../../foundation/files/shipped.ts'
import type { KeyedItem } from '../../data/item.ts'
import type { Row, Task } from '../../data/task.ts'
import { Drawing } from '../drawing.ts'
import { contentKey, type Description, isReserved } from '../scene.ts'
import type { Sheets } from '../sheets.ts'
import { captions } from '../texts.ts'
import { loadWorld } from '../world.ts'
import { buildTasks, COMPLETE_LIMITS, TASK_NAMES } from './suite.ts'

const world = await loadWorld(shippedData(), 'small')
/** Tasks are made without a drawing. */
const sheets: Sheets = {
  sprite() {
    throw new Error('drawn too early')
  },
}
const tasks = buildTasks(world, sheets)
const trainedTasks = tasks.filter((task) => task.train.length > 0)
const named = (name: string) => tasks.find((task) => task.name === name)!
const answer = (row: Row) => row.candidates[row.positive]!
/** The scene that an item shows. */
function sceneOf({ image: [picture] = [] }: KeyedItem): Description | undefined {
  return picture instanceof Drawing ? picture.description : undefined
}
/** Pictures that the row is about; hard negatives of test rows may be any. */
const shown = (row: Row): Description[] =>
  [row.query, answer(row)].map(sceneOf).filter((scene) => scene !== undefined)
const counts = (values: readonly string[]) => {
  const out = new Map<string, number>()
  for (const value of values) out.set(value, (out.get(value) ?? 0) + 1)
  return [...out.values()]
}
const said = (item: KeyedItem) => {
  const scene = sceneOf(item)
  return item.text ?? (scene ? captions(scene, world).background : '')
}

describe('the suite', () => {
  test('holds every kind and every shift', () => {
    expect(tasks.map((task) => task.name)).toEqual(TASK_NAMES)
    expect(new Set(tasks.map((task) => task.metaTask)).size).toBe(3)
    expect(new Set(tasks.map((task) => task.shift)).size).toBe(5)
  })

  test('is the same on every machine', () => {
    const digest = createHash('sha256').update(JSON.stringify(tasks)).digest('hex')
    expect(digest.slice(0, 16)).toMatchInlineSnapshot(`"a99cc7490df5ddc1"`)
  })

  test('a part is built as in the whole', () => {
    expect(buildTasks(world, sheets, { tasks: ['scene-count'] })).toEqual([named('scene-count')])
  })

  test('complete test rows begin with the quick ones', () => {
    const [complete] = buildTasks(world, sheets, { tasks: ['scene-what'], limits: COMPLETE_LIMITS })
    expect(complete!.test.length).toBe(500)
    expect(complete!.test.slice(0, 200).map((row) => row.query)).toEqual(
      named('scene-what').test.map((row) => row.query),
    )
  })

  test('an unknown name is a usage error that lists the known ones', () => {
    expect(() => buildTasks(world, sheets, { tasks: ['scene-wat'] })).toThrowError(
      expect.objectContaining({ code: 'usage/task-unknown', exitCode: 2 }),
    )
  })
})

describe.each(tasks.map((task) => ({ name: task.name, task })))('$name', ({ task }: { task: Task }) => {
  test('keeps to the limits', () => {
    expect(task.test.length).toBe(200)
    expect(task.dev.length <= 100 && task.train.length <= 2000).toBe(true)
    expect(Math.max(...task.test.map((row) => row.candidates.length))).toBeLessThanOrEqual(200)
  })

  test('has one right candidate, and no two of one key or one text', () => {
    for (const row of [...task.test, ...task.dev]) {
      expect(new Set(row.candidates.map((item) => item.key)).size).toBe(row.candidates.length)
      expect(
        row.candidates.filter((item) => item.text !== undefined && item.text === answer(row).text).length,
      ).toBeLessThanOrEqual(1)
    }
  })

  test('states the chance of a blind guess', () => {
    const mean = task.test.reduce((sum, row) => sum + 1 / row.candidates.length, 0) / task.test.length
    expect(task.chance).toBeCloseTo(mean, 12)
  })

  test('says what is in the picture', () => {
    const keys = new Map<string, string>()
    for (const item of task.test.flatMap((row) => [row.query, ...row.candidates])) {
      const content = JSON.stringify([item.instruction, item.text, sceneOf(item)])
      expect(keys.get(item.key) ?? content).toBe(content)
      keys.set(item.key, content)
    }
  })

  test('tests no query twice', () => {
    const asked = task.test.map(
      (row) => row.query.key + (row.query.image ? '' : said(answer(row)) + answer(row).key),
    )
    expect(new Set(asked).size).toBe(asked.length)
  })
})

describe.each(trainedTasks.map((task) => ({ name: task.name, task })))(
  'training rows of $name',
  ({ task }: { task: Task }) => {
    const seen = [...task.train, ...task.dev]

    test('show nothing reserved, withheld or held out', () => {
      const known = new Set(world.training.map((concept) => concept.index))
      const allowed = (image: Description) =>
        !isReserved(image) &&
        image.parts.every(({ concept }) => known.has(concept) && world.all[concept]!.withheld !== image.style)
      const items = seen.flatMap((row) => [row.query, ...row.candidates])
      expect(items.map(sceneOf).filter((scene) => scene !== undefined && !allowed(scene))).toEqual([])
    })

    test('share no content with dev or test rows', () => {
      const about = (row: Row) => contentKey(shown(row)[0]!)
      const trained = new Set(task.train.map(about))
      expect([...task.dev, ...task.test].filter((row) => trained.has(about(row)))).toEqual([])
    })
  },
)

describe('shifts', () => {
  test.each(
    tasks.filter((task) => task.shift === 'in' || task.shift === 'out-type').map((task) => task.name),
  )('%s shows reserved combinations only', (name) => {
    for (const row of named(name).test) for (const image of shown(row)) expect(isReserved(image)).toBe(true)
  })

  test.each(['withheld-label', 'cross-style'])('%s asks about the withheld drawing', (name) => {
    for (const { query } of named(name).test)
      expect(sceneOf(query)!.style).toBe(world.all[sceneOf(query)!.parts[0]!.concept]!.withheld)
  })

  test.each(tasks.filter((task) => task.shift === 'out-concept').map((task) => task.name))(
    '%s shows held-out things only',
    (name) => {
      const heldOut = new Set(world.heldOut.map((concept) => concept.index))
      for (const row of named(name).test)
        for (const image of shown(row)) expect(heldOut.has(image.parts[0]!.concept)).toBe(true)
    },
  )

  test('cross-style targets are another drawing of the same thing, among drawings of that style', () => {
    for (const row of named('cross-style').test) {
      const [asked, target] = [sceneOf(row.query)!, sceneOf(answer(row))!]
      expect(target.parts[0]!.concept).toBe(asked.parts[0]!.concept)
      expect(new Set(row.candidates.map((item) => sceneOf(item)!.style))).toEqual(
        new Set([(asked.style + 1) % 4]),
      )
    }
  })
})

describe('balance', () => {
  test.each([
    ['object-group', 40, 40],
    ['style-f-group', 40, 40],
    ['held-out-group', 40, 40],
    ['scene-count', 33, 34],
  ])('%s has each answer equally often', (name, least, most) => {
    const each = counts(named(name).test.map((row) => said(answer(row))))
    expect(Math.min(...each)).toBeGreaterThanOrEqual(least)
    expect(Math.max(...each)).toBeLessThanOrEqual(most)
  })

  test('colours are balanced enough that guessing one stays near chance', () => {
    expect(
      Math.max(...counts(named('scene-shape-colour').test.map((row) => said(answer(row))))),
    ).toBeLessThan(0.15 * 200)
  })
})

describe('hard candidates', () => {
  test('scene-what is told apart from the other thing of the scene', () => {
    for (const row of named('scene-what').test) {
      const hard = row.candidates[row.hardIndex!]!.text
      const labels = sceneOf(row.query)!.parts.map((part) => world.all[part.concept]!.label)
      expect(labels).toEqual(expect.arrayContaining([hard, answer(row).text]))
      expect(hard).not.toBe(answer(row).text)
    }
  })

  test('composed tasks hold the query itself and a picture that fits the words only', () => {
    for (const row of named('composed-background').test) {
      const [target, own, , other] = row.candidates.map(sceneOf)
      const original = sceneOf(row.query)!
      expect(own).toEqual(original)
      expect(target!.parts).toEqual(original.parts)
      expect(target!.background).not.toBe(original.background)
      expect(other!.background).toBe(target!.background)
    }
  })
})
