import { describe, expect, test } from 'vitest'
import { openFile, pairFile } from '../../../../test/pair-files.ts'
import { keyed } from '../item.ts'
import { describePairs, pairWarnings } from './describe.ts'
import { memorySource, type PairSource } from './source.ts'
import { splitPairs } from './split.ts'

describe('fingerprint', () => {
  const rows = [
    { query: 'a', target: 'b' },
    { query: 'c', target: 'd' },
  ]
  const of = async (content: readonly object[], settings: object = {}) => {
    const source = await openFile(pairFile(content), settings)
    await source.close()
    return source.fingerprint
  }

  test('is that of the pairs, wherever the file is and however it is written', async () => {
    const other = rows.map(({ query, target }) => ({ positive: target, anchor: { text: query }, unused: 1 }))
    expect(await of(other)).toBe(await of(rows))
  })

  test.each([
    ['a text', [{ query: 'a', target: 'x' }, rows[1]!], {}],
    ['a negative', [{ ...rows[0], negatives: ['n'] }, rows[1]!], {}],
    ['the order', rows.toReversed(), {}],
    ['an instruction', rows, { instruction: 'Find' }],
    ['the limit', rows, { limit: 1 }],
  ])('changes with %s', async (_, content, settings) => {
    expect(await of(content, settings)).not.toBe(await of(rows))
  })
})

describe('a dev part', () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ query: `q${i}`, target: `t${i}` }))
  const split = async (content: readonly object[], seed = 1) => {
    const source = await openFile(pairFile(content))
    const { train, dev } = splitPairs(source, { share: 0.2, seed })
    const names = async (part: PairSource) =>
      await Promise.all(
        Array.from({ length: part.rows }, async (_, row) => (await part.read(row)).query.text),
      )
    const parts = { train: await names(train), dev: await names(dev) }
    await source.close()
    return parts
  }

  test('is about its share, and together with the rest it is all', async () => {
    const { train, dev } = await split(rows)
    expect([...train, ...dev].sort()).toEqual(rows.map(({ query }) => query).sort())
    expect(dev.length).toBeGreaterThan(20)
    expect(dev.length).toBeLessThan(60)
  })

  test('stays as it is when rows are added and moved', async () => {
    const { dev } = await split(rows)
    const more = [{ query: 'new', target: 'row' }, ...rows.toReversed()]
    expect((await split(more)).dev.filter((name) => name !== 'new').sort()).toEqual(dev.sort())
  })

  test('depends on the seed', async () => {
    expect((await split(rows, 2)).dev).not.toEqual((await split(rows, 1)).dev)
  })
})

describe('figures', () => {
  const item = (text: string) => keyed({ text })

  test('count rows, negatives and targets', () => {
    const pairs = ['x', 'y', 'x', 'x'].map((target, i) => ({
      query: item(`q${i}`),
      target: item(target),
      negatives: i === 0 ? [item('n'), item('m')] : [],
    }))
    expect(describePairs(memorySource('m', pairs))).toMatchObject({
      rows: 4,
      targets: 2,
      commonest: 0.75,
      negatives: { rows: 1, total: 2 },
      pictures: { queries: 0, targets: 0 },
    })
  })

  test.each([
    [['x', 'x', 'x'], ['one-target']],
    [['x', 'x', 'y'], ['common-target']],
    [['x', 'y', 'z'], []],
  ])('targets %j: warnings %j', (targets, codes) => {
    const pairs = targets.map((target, i) => ({ query: item(`q${i}`), target: item(target), negatives: [] }))
    const warnings = pairWarnings(describePairs(memorySource('m', pairs)))
    expect(warnings.map(({ code }) => code)).toEqual(codes)
  })
})
