import { expect, test } from 'vitest'
import type { FactorEffect } from './factors.ts'
import { effectWords, factorMarkdown } from './words.ts'

const effect = (low: number, high: number, drawn: FactorEffect['drawn'] = 'pretraining'): FactorEffect => ({
  factors: ['objective'],
  scope: { metaTask: 'vqa', domain: 'out' },
  interval: {
    value: (low + high) / 2,
    low,
    high,
    standardError: 0.01,
    freedom: 5,
    shares: { trainings: 0.5, rows: 0.5 },
    covered: true,
  },
  drawn,
  draws: [3, 3, 3, 3],
})

test('an effect is claimed only where its interval excludes zero', () => {
  expect(effectWords(effect(0.01, 0.05), 'tuned')).toMatch(
    /^next token − masked diffusion, tuned alike, vqa, out of domain: \+3\.0 points of hit@1 \(95 %/,
  )
  for (const low of [-0.01, 0]) expect(effectWords(effect(low, 0.05), 'tuned')).toContain('cannot be told')
  expect(effectWords(effect(-0.05, -0.01), 'untuned')).not.toContain('cannot be told')
  expect(factorMarkdown([effect(-0.01, 0.05)], 'tuned')).toContain('| cannot be told |')
})

test('the words say what an interval covers', () => {
  expect(effectWords(effect(0.01, 0.05, 'tuning'), 'tuned')).toContain('not other pretrainings')
  expect(effectWords(effect(0.01, 0.05, 'nothing'), 'tuned')).toContain('other test rows alone')
})

test('equal compute and equal updates have words of their own', () => {
  const words = (equal: FactorEffect['equal']) => effectWords({ ...effect(0.01, 0.05), equal }, 'tuned')
  expect(words('compute')).toMatch(/^next token − masked diffusion, equal compute, aligned features, tuned/)
  expect(words('updates')).toMatch(/^next token − masked diffusion, equal updates, aligned features, tuned/)
})
