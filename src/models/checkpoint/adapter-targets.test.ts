/** @file Which modules a config means: PEFT's rules, case by case. */

import { describe, expect, test } from 'vitest'
import { type AdapterConfig, initialAdapter } from './adapter.ts'
import { isSaved, isTargeted, rankOf, scaleOf } from './adapter-targets.ts'

const plain = initialAdapter([], { rank: 4, alpha: 8, seed: 0 }).config
const module = 'model.language_model.layers.1.self_attn.q_proj'

describe('targets', () => {
  test.each<[string, Partial<AdapterConfig>, boolean]>([
    ['a path ending', { targets: ['q_proj'] }, true],
    ['several names', { targets: ['self_attn.q_proj'] }, true],
    ['part of a name', { targets: ['proj'] }, false],
    ['a whole path', { targets: [module] }, true],
    ['a pattern for the whole path', { targets: '.*\\.layers\\.\\d+\\..*(q|k)_proj' }, true],
    ['a pattern for its end only', { targets: '(q|k)_proj' }, false],
    ['a pattern with a named group', { targets: '.*(?P<part>q|k)_proj' }, true],
    ['every linear layer', { targets: 'all-linear' }, true],
    ['excluded by its ending', { targets: ['q_proj'], excluded: ['q_proj'] }, false],
    ['excluded by a pattern', { targets: ['q_proj'], excluded: '.*language_model.*' }, false],
    ['excluded elsewhere', { targets: ['q_proj'], excluded: '.*vision_tower.*' }, true],
    ['in a module that is trained whole', { targets: ['q_proj'], saved: ['self_attn'] }, false],
    ['in a chosen layer', { targets: ['q_proj'], layers: [1] }, true],
    ['in another layer', { targets: ['q_proj'], layers: [0] }, false],
    [
      'in a chosen layer of another stack',
      { targets: ['q_proj'], layers: [1], layersPattern: ['blocks'] },
      false,
    ],
    [
      'in a chosen layer of this stack',
      { targets: ['q_proj'], layers: [1], layersPattern: ['blocks', 'layers'] },
      true,
    ],
    ['named in full, whatever the layer', { targets: [module], layers: [0] }, true],
  ])('%s', (_, given, expected) => expect(isTargeted({ ...plain, ...given }, module)).toBe(expected))

  test('the first number of a path is its layer', () => {
    const config = { ...plain, targets: ['w1'], layers: [0] }
    expect(isTargeted(config, 'model.layers.1.experts.0.w1')).toBe(false)
    expect(isTargeted(config, 'model.layers.0.experts.1.w1')).toBe(true)
  })
})

test('ranks and alphas of single modules, by the first pattern that matches the end', () => {
  const config = {
    ...plain,
    rankPattern: { 'layers.1.self_attn.q_proj': 16, q_proj: 2 },
    alphaPattern: { '.*_proj': 32 },
  }
  expect(rankOf(config, module)).toBe(16)
  expect(rankOf(config, 'layers.0.q_proj')).toBe(2)
  expect(rankOf(config, 'layers.0.seq_proj')).toBe(4)
  expect(scaleOf(config, module)).toBe(2)
  expect(scaleOf({ ...config, rankStabilised: true }, module)).toBe(8)
})

test('a module that is trained whole is found by the end of its path', () => {
  const config = { ...plain, saved: ['projector'] }
  expect(isSaved(config, 'model.multi_modal_projector.linear_1.weight')).toBe(true)
  expect(isSaved(config, 'projector.weight')).toBe(true)
  expect(isSaved(config, 'model.projector_norm.weight')).toBe(false)
})
