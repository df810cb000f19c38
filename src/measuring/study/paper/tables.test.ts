import { expect, test } from 'vitest'
import { paperRecord, recordedState } from '../../../../test/paper-record.ts'
import { hitsOf } from './record.ts'
import { armMarkdown, curveMarkdown, weightsMarkdown } from './tables.ts'

const packed = (rows: string) => hitsOf([...rows].map((row) => ({ hit1: Number(row) })))

const state = (hits: string) => recordedState({ a: packed(hits), b: packed('1') })
const run = (arm: string, pretraining: number, tuned: string, share = 1) =>
  paperRecord({ arm, pretraining, share, untuned: state('0000'), tuned: state(tuned) })

test('kinds of models: means over tasks, then tunings, then pretrainings, with their range', () => {
  const runs = [run('twin-ar', 1, '1100'), run('twin-ar', 2, '1111'), run('twin-discrete', 1, '0000')]
  const table = armMarkdown(runs)
  expect(table).toContain('| twin-ar | own | 2 | 2 | 50.0 % (50.0 to 50.0) | 87.5 % (75.0 to 100.0) |')
  expect(table).toContain('| twin-discrete | own | 1 | 1 | 50.0 % | 50.0 % |')
})

test('the curve ends with the run on all rows, of the same seeds', () => {
  const runs = [run('twin-ar', 2, '0000'), run('twin-ar', 1, '1111'), run('twin-ar', 1, '1100', 0.5)]
  expect(curveMarkdown(runs)).toContain('| model | 50 % | 100 % |')
  expect(curveMarkdown(runs)).toContain('| twin-ar | 75.0 % | 100.0 % |')
})

test('weights: a line a model, and whether its runs were recorded', () => {
  const of = (arm: string, seed: number, recorded: boolean) => ({
    ...run(arm, seed, '1111'),
    model: arm.repeat(4),
    recorded,
  })
  const table = weightsMarkdown([of('twin-ar', 1, false), of('twin-ar', 2, true), of('twin-ar', 2, true)])
  expect(table.split('\n').slice(2)).toEqual([
    '| twin-ar | 1 | `twin-artwin-artw` | made here |',
    '| twin-ar | 2 | `twin-artwin-artw` | recorded |',
  ])
})
