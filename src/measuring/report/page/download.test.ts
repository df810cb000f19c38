import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { syntheticResults } from '../../../../test/synthetic-results.ts'
import { scoresCsv } from './download.ts'

test('the CSV has every score, mean and difference, names with commas quoted', async () => {
  const results = await syntheticResults()
  const rows: string[][] = parse(scoresCsv(results))
  const of = (quantity: string) => rows.filter(([kind]) => kind === quantity)
  expect(rows[0]).toEqual(['quantity', 'model', 'over', 'value', 'low', 'high'])
  expect(of('hit1')).toHaveLength(results.scores.length)
  expect(of('mean hit1')).toHaveLength(results.means.length)
  expect(of('difference of hit1')).toHaveLength(results.differences.length)
  const [first] = results.scores
  expect(of('hit1')[0]!.slice(2, 4)).toEqual([first!.task, String(first!.hit1.value)])
  expect(of('hit1').some(([, model]) => model?.includes(', '))).toBe(true)
})
