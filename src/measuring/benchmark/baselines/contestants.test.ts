import { expect, test } from 'vitest'
import { keyed } from '../../../inputs/data/item.ts'
import type { Task } from '../../../inputs/data/task.ts'
import type { Contestant } from '../run/contestant.ts'
import { baselineContestants } from './contestants.ts'
import { rawPixels } from './raw-pixels.ts'

const picture = { key: 'a', read: () => ({ width: 1, height: 1, data: new Uint8Array(3) }) }
const asked = keyed({ instruction: 'Which?', image: picture })
const task: Task = {
  name: 'asked',
  metaTask: 'vqa',
  domain: 'out',
  shift: 'own',
  reason: 'a test',
  chance: 0.5,
  train: [],
  dev: [],
  test: [
    {
      id: '0',
      query: asked,
      candidates: [keyed({ text: 'x' }), keyed({ text: 'y' })],
      positive: 0,
      cluster: '',
    },
  ],
}

const model = (id: string): Contestant => ({
  model: {
    id,
    label: id.toUpperCase(),
    role: 'model',
    family: 'made',
    objective: 'contrastive',
    attention: 'causal',
    readout: 'last',
    readouts: ['vector'],
    fingerprint: id.repeat(4),
    parameters: 1,
  },
  open: async () => ({ maker: rawPixels.maker, close: async () => {} }),
})

test('a baseline without a model comes once, one of each model for each; numbers are none', async () => {
  const made = await baselineContestants(['chance', 'pixels', 'text-only'], [model('a'), model('b')], 7)
  expect(made.map(({ model: { id, label, role } }) => [id, label, role])).toEqual([
    ['pixels', 'raw pixels', 'baseline'],
    ['a-text-only', 'A: the text of the query alone', 'baseline'],
    ['b-text-only', 'B: the text of the query alone', 'baseline'],
  ])
  const [pixels, text] = made
  expect(text?.model.fingerprint).toBe('aaaa')
  expect(text?.seen?.(task)?.test[0]?.query.key).toBe(keyed({ instruction: 'Which?' }).key)
  // Candidates are texts, which have no pixels.
  expect(pixels?.seen?.(task)).toBeUndefined()
  expect(pixels?.model.fingerprint).toBe((await pixels!.open()).maker.hash)
})
