import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { keyed } from '../../inputs/data/item.ts'
import { openSubject, type Subject } from '../../models/embedder/subject.ts'
import { captionSubject } from '../benchmark/dual-encoder.ts'
import { costliestFirst, estimateWords } from './estimate.ts'
import { settingOf } from './options.ts'
import { type StudyWorld, studyWorld } from './world.ts'

let dir = ''
let subjects: Subject[]
let world: StudyWorld
const small = { out: '', tasks: ['object-group'], limits: { train: 20, test: 6, candidates: 4 }, pairs: 6 }
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-estimate-'))
  const { ar, tower } = await writeRandomTwins(dir)
  subjects = [await openSubject(ar, { threads: 1 }), await openSubject(tower, { threads: 1 })]
  world = await studyWorld(settingOf(small))
}, 120_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The seconds of an estimate. */
const secondsIn = (words = '') => {
  const {
    h = 0,
    min = 0,
    s = 0,
  } = /about (?:(?<h>\d+) h )?(?:(?<min>\d+) min)?(?: ?(?<s>\d+) s)?/.exec(words)?.groups ?? {}
  return 3600 * Number(h) + 60 * Number(min) + Number(s)
}

test('a study of seconds needs no words', async () => {
  const setting = settingOf({ ...small, steps: 1, controls: false })
  expect(await estimateWords(subjects, world, setting)).toBeUndefined()
})

test('more steps and controls take longer, and hours get a hint', async () => {
  const speed = async () => ({ operations: 1e9, elements: 1e8 })
  const after = async (steps: number, controls: boolean) =>
    await estimateWords(subjects, world, settingOf({ ...small, steps, controls }), speed)
  const [many, more] = [await after(1_000_000, false), await after(1_000_000, true)]
  expect(many).toContain('1000000 steps of tuning')
  expect(many).toContain('--no-tune')
  expect(secondsIn(more) / secondsIn(many)).toBeCloseTo(2, 2)
})

test('a caption that is too long for a text tower is cut here too, and ends no study', async () => {
  const text = keyed({ text: 'a red key on a blue background '.repeat(20) })
  const long = { ...world, tasks: [], pairs: world.pairs.map((pair) => ({ ...pair, text })) }
  const setting = settingOf({ ...small, steps: 1 })
  const tower = subjects.filter(({ model }) => model.kind === 'dual-encoder')
  await expect(estimateWords(tower, long, setting)).rejects.toMatchObject({ code: 'embedder/too-long' })
  expect(await estimateWords(tower.map(captionSubject), long, setting)).toBeUndefined()
})

test('the costliest model is begun first, whatever its place', async () => {
  const [decoder, tower] = subjects
  expect(await costliestFirst([decoder!, tower!], world)).toEqual([0, 1])
  expect(await costliestFirst([tower!, decoder!], world)).toEqual([1, 0])
})
