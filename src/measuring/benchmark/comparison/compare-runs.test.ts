import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeMadeRun } from '../../../../test/made-run.ts'
import { openRun } from '../run/eval-run.ts'
import { runFiles } from '../run/files.ts'
import { compareRuns } from './compare-runs.ts'
import { type GateLimit, gateLimit, gatesOf } from './gates.ts'
import { comparisonSchema } from './report.ts'
import { comparisonWords } from './words.ts'
import { writeComparison } from './write.ts'

let root: string
const at = (name: string) => join(root, name)
const [GOOD, POOR] = ['both:good', 'both:poor']
const options = { seed: 1, resamples: 400 }
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-compare-'))
  await writeMadeRun(at('both'), { models: { good: 0.8, poor: 0.4 }, rows: 80 })
  await writeMadeRun(at('again'), { models: { good: 0.8 }, rows: 80 })
  await writeMadeRun(at('longer'), { models: { good: 0.8 }, rows: 100 })
  await writeMadeRun(at('paired'), { models: { good: 0.8 }, rows: 80, sharing: 1 })
  await writeMadeRun(at('one'), { models: { good: 0.8 }, tasks: { naming: 'classification' }, rows: 80 })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('two models of one run', () => {
  test('a difference that was put in is found: verdict, means, tasks', async () => {
    const report = await compareRuns([at(POOR), at(GOOD)], options)
    const [pair] = report.pairs
    expect(report.models.map(({ id }) => id)).toEqual(['poor', 'good'])
    expect(pair).toMatchObject({ reference: 'poor', model: 'good', outcome: 'better' })
    expect(pair!.verdict).toMatch(/^The good model is better than The poor model: \+\d+\.\d points of hit@1/)
    const [all] = pair!.means
    expect(all).toMatchObject({ name: 'all', outcome: 'better' })
    expect(all!.difference.value).toBeCloseTo(all!.model - all!.reference, 12)
    expect(all!.difference.low).toBeGreaterThan(0)
    for (const { test: own, difference, queries, clusters } of pair!.tasks) {
      expect([queries, clusters]).toEqual([80, 40])
      expect((own!.gained - own!.lost) / queries).toBeCloseTo(difference.value, 12)
      expect(own!.name).toBe('mcnemar')
      expect(own!.adjusted).toBeGreaterThanOrEqual(own!.p)
    }
  })

  test('the other way round all signs turn', async () => {
    const [one, other] = [
      await compareRuns([at(POOR), at(GOOD)], options),
      await compareRuns([at(GOOD), at(POOR)], options),
    ]
    expect(other.pairs[0]).toMatchObject({ outcome: 'worse' })
    expect(other.pairs[0]!.means[0]!.difference.value).toBe(-one.pairs[0]!.means[0]!.difference.value)
    expect(other.pairs[0]!.tasks[0]!.test).toMatchObject({
      gained: one.pairs[0]!.tasks[0]!.test!.lost,
      lost: one.pairs[0]!.tasks[0]!.test!.gained,
    })
  })

  test('couples that are named are compared, each with a test of its mean', async () => {
    const couples = [
      [1, 0],
      [0, 1],
    ] as const
    const { pairs } = await compareRuns([at(POOR), at(GOOD)], { ...options, couples })
    expect(pairs.map(({ reference, model, outcome }) => `${reference} ${model} ${outcome}`)).toEqual([
      'good poor worse',
      'poor good better',
    ])
    for (const { test: own } of pairs) {
      expect(own!.p).toBeLessThan(0.01)
      expect(own!.adjusted).toBeCloseTo(2 * own!.p, 12)
    }
    const [plain] = (await compareRuns([at(POOR), at(GOOD)], options)).pairs
    expect(plain!.test).toBeUndefined()
    expect(plain!.means).toEqual(pairs[1]!.means)
  })

  test('a run alone stands for its models', async () => {
    const report = await compareRuns([at('both')], options)
    expect(report.pairs.map(({ reference, model }) => [reference, model])).toEqual([['good', 'poor']])
  })

  test('flips have texts and pictures of query, right answer and both choices', async () => {
    const { pairs, pictures } = await compareRuns([at(POOR), at(GOOD)], { ...options, flips: 3 })
    const [{ gained, gainedCount }] = [pairs[0]!.flips[0]!]
    expect(gained).toHaveLength(3)
    expect(gainedCount).toBe(pairs[0]!.tasks[0]!.test!.gained)
    for (const { query, gold, reference, model } of gained) {
      expect(query.text).toMatch(/^number/)
      expect(pictures[query.picture!]).toMatch(/^data:image/)
      expect(model).toEqual(gold)
      expect(reference!.text).not.toBe(gold.text)
    }
  })

  test('another metric has its own differences; an unknown one is told', async () => {
    const { metric, pairs } = await compareRuns([at(POOR), at(GOOD)], { ...options, metric: 'mrr' })
    expect(metric).toEqual({ name: 'mrr', label: 'MRR' })
    const { pairs: hits } = await compareRuns([at(POOR), at(GOOD)], options)
    expect(pairs[0]!.means[0]!.difference.value).not.toBe(hits[0]!.means[0]!.difference.value)
    expect(pairs[0]!.tasks[0]!.test!.name).toBe('sign')
    await expect(compareRuns([at(POOR), at(GOOD)], { metric: 'mmr' })).rejects.toMatchObject({
      code: 'benchmark/no-metric',
      hint: 'Did you mean mrr?',
    })
  })
})

test('equal models of two runs: no query tells them apart, and the words say so', async () => {
  const report = await compareRuns([at(GOOD), at('again')], options)
  expect(report.models.map(({ id }) => id)).toEqual(['both:good', 'again:good'])
  expect(report.pairs[0]).toMatchObject({ outcome: 'cannot-be-told' })
  const words = comparisonWords(report, [], { color: false })
  expect(words).toMatch(
    /^No query tells again: The good model .* Among other queries some may: 95 % interval −/,
  )
  expect(report.notes).toEqual([expect.stringMatching(/^again: The good model is the same model as both: /)])
  expect(words).toContain(report.notes[0])
})

test('a model with itself is refused, and both names are told', async () => {
  await expect(compareRuns([at(GOOD), at(GOOD)], options)).rejects.toMatchObject({
    code: 'benchmark/nothing-to-compare',
    message: expect.stringMatching(/both:good and .*both:good are one model, The good model/),
  })
})

test('the default seed is that of the reference’s run', async () => {
  const { setting } = await compareRuns([at(POOR), at(GOOD)], { resamples: 100 })
  expect(setting.seed).toBe((await openRun(at('both'))).results.seed)
})

test('three models: the first with each other one, and one correction over all tests', async () => {
  const two = await compareRuns([at(POOR), at(GOOD)], options)
  const three = await compareRuns([at(POOR), at(GOOD), at('again')], options)
  expect(three.pairs.map(({ model }) => model)).toEqual(['both:good', 'again:good'])
  const [own, wider] = [two, three].map(({ pairs }) => pairs[0]!.tasks.map(({ test: t }) => t!.adjusted))
  expect(wider!.some((p, i) => p > own![i]!)).toBe(true)
})

describe('runs that differ', () => {
  const refused = async (words: string[], code: string) => {
    await expect(compareRuns(words.map(at), options)).rejects.toMatchObject({ code: `benchmark/${code}` })
  }

  test('other rows, other contents of rows, other tasks, one model alone', async () => {
    await refused([POOR, 'longer'], 'other-rows')
    await refused([POOR, 'paired'], 'other-candidates')
    await refused([POOR, 'one'], 'other-tasks')
    await refused(['again'], 'nothing-to-compare')
    await refused(['both:goof'], 'no-model')
    await refused(['nowhere'], 'run')
  })

  test('--unpaired: pools of other sizes are refused, pools that overlap are told', async () => {
    const pools = async (name: string, least: number, most: number) => {
      await writeMadeRun(at(name), { models: { good: 0.8 }, rows: 20 })
      const file = join(at(name), runFiles.results)
      const results = JSON.parse(readFileSync(file, 'utf8'))
      for (const task of results.tasks) task.candidates = { least, most }
      writeFileSync(file, JSON.stringify(results))
    }
    await pools('small', 6, 10)
    await pools('large', 1000, 1000)
    const apart = async (...words: string[]) =>
      await compareRuns(words.map(at), { ...options, unpaired: true })
    await expect(apart('small', 'large')).rejects.toMatchObject({
      code: 'benchmark/other-candidates',
      message: expect.stringMatching(/naming: .* among 6 to 10 candidates, .* among 1,000$/),
    })
    const { notes } = await apart(POOR, 'small')
    expect(notes[0]).toMatch(/naming: .* among 6 candidates, .* among 6 to 10; the right one is easier/)
  })

  test('--common compares the rows that both have, and says how many were left', async () => {
    const { tasks, left, pairs } = await compareRuns([at(POOR), at('longer')], { ...options, common: true })
    expect(tasks.map(({ queries }) => queries)).toEqual([80, 80])
    expect(left).toEqual([
      { task: 'naming', model: 'good', rows: 20, reason: expect.any(String) },
      { task: 'asking', model: 'good', rows: 20, reason: expect.any(String) },
    ])
    const whole = await compareRuns([at(POOR), at(GOOD)], options)
    expect(pairs[0]!.tasks[0]!.reference).toBe(whole.pairs[0]!.tasks[0]!.reference)
    const one = await compareRuns([at(POOR), at('one')], { ...options, common: true })
    expect(one.tasks.map(({ name }) => name)).toEqual(['naming'])
    expect(one.left).toEqual([{ task: 'asking', model: 'good', rows: 80, reason: 'no such task' }])
    const draws = await compareRuns([at(POOR), at('one')], { ...options, unpaired: true })
    expect(draws.left).toEqual(one.left)
  })

  test('rows of one id and other contents are never compared', async () => {
    await expect(compareRuns([at(POOR), at('paired')], { ...options, common: true })).resolves.toMatchObject({
      // Picture 0 alone is the same in both.
      tasks: [{ queries: 1 }, { queries: 1 }],
    })
  })

  test('different draws of a budget: told by their seeds', async () => {
    for (const [name, seed] of [
      ['drawn', 3],
      ['drawn-too', 4],
    ] as const) {
      await writeMadeRun(at(name), { models: { good: 0.8 }, rows: name === 'drawn' ? 20 : 24 })
      const file = join(at(name), runFiles.results)
      const results = JSON.parse(readFileSync(file, 'utf8'))
      for (const task of results.tasks) task.sample = { drawn: task.queries, usable: 80 }
      writeFileSync(file, JSON.stringify({ ...results, seed }))
    }
    await refused(['drawn', 'drawn-too'], 'other-sample')
    const { pairs } = await compareRuns([at('drawn'), at('drawn-too')], { ...options, unpaired: true })
    expect(pairs[0]!.tasks[0]).toMatchObject({ queries: 24, test: null })
    const paired = await compareRuns([at('drawn'), at('drawn-too')], { ...options, common: true })
    expect(pairs[0]!.means[0]!.detectable!).toBeGreaterThan(paired.pairs[0]!.means[0]!.detectable!)
  })
})

describe('gates', () => {
  test.each<[string, GateLimit]>([
    ['naming=2', { name: 'naming', points: 2 }],
    ['*=0.5', { name: '*', points: 0.5 }],
    ['1', { name: 'all', points: 1 }],
    ['a=b=3', { name: 'a=b', points: 3 }],
  ])('%s', (spec, limit) => expect(gateLimit(spec)).toEqual(limit))

  test.each(['', '=1', 'naming=', 'naming=x', 'naming=-1', 'all=101'])('"%s" is refused', (spec) => {
    expect(() => gateLimit(spec)).toThrow(expect.objectContaining({ code: 'benchmark/gate' }))
  })

  test('fail on a loss that is shown, on its value, or on one that is possible', async () => {
    const report = await compareRuns([at(GOOD), at(POOR)], options)
    const { value, low, high } = report.pairs[0]!.means[0]!.difference
    const passes = (points: number, evidence: 'shown' | 'value' | 'possible') =>
      gatesOf(report, [{ name: 'all', points }], evidence).every(({ passed }) => passed)
    const kinds = { shown: high, value, possible: low }
    for (const [kind, edge] of Object.entries(kinds) as ['shown' | 'value' | 'possible', number][]) {
      expect(passes(-100 * edge + 0.1, kind)).toBe(true)
      expect(passes(-100 * edge - 0.1, kind)).toBe(false)
    }
    expect(gatesOf(report, [gateLimit('*=1')]).map(({ name }) => name)).toEqual(['naming', 'asking'])
    expect(() => gatesOf(report, [gateLimit('nmaing=1')])).toThrow(
      expect.objectContaining({ hint: 'Did you mean naming?' }),
    )
  })
})

test('the file has the form that pages read, and the same bytes each time', async () => {
  const report = await compareRuns([at(POOR), at(GOOD)], options)
  const [first, second] = [await writeComparison(report, at('out')), at('second.json')]
  await writeComparison(await compareRuns([at(POOR), at(GOOD)], options), second)
  expect(first).toBe(join(at('out'), 'comparison.json'))
  expect(readFileSync(first, 'utf8')).toBe(readFileSync(second, 'utf8'))
  expect(() => comparisonSchema.parse(JSON.parse(readFileSync(first, 'utf8')))).not.toThrow()
})

test('the table fits its width: spare columns go first', async () => {
  const report = await compareRuns([at(POOR), at(GOOD)], options)
  const lines = (width: number) => comparisonWords(report, [], { width, color: false }).split('\n')
  expect(lines(200)[1]).toContain('detectable')
  expect(lines(70)[1]).not.toContain('detectable')
  expect(lines(70)[1]!.length).toBeLessThan(71)
  expect(lines(200).some((line) => /^ {2}naming .*\+\d+ −\d+/.test(line))).toBe(true)
  expect(
    lines(200).some((line) => /^ {4}naming row \d+: picture \+ "number \d+" → .*, not /.test(line)),
  ).toBe(true)
})
