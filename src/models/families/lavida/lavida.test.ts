import { describe, expect, test } from 'vitest'
import { dreamConfig, lladaConfig } from '../../../../test/configs/lavida.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { bindVisionLanguage } from '../model.ts'
import { parametersOf } from '../weights.ts'
import { lavida } from './index.ts'

/** Parameters of the whole model, as a graph with a head asks for them. */
function parametersWith(json: Readonly<Record<string, unknown>>) {
  const model = bindVisionLanguage(lavida, json)
  const graph = new Graph()
  const scope = rootScope(graph)
  const { rows } = model.buildVision(
    scope,
    graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
  )
  const input = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
  const pieces = model.buildDecoder(scope, {
    inputIds: input('input_ids'),
    attentionMask: input('attention_mask'),
    imageIndex: input('image_index'),
    imageRows: rows,
  })
  pieces.head(pieces.norm)
  return { parameters: parametersOf(graph), rows }
}

// Published counts (specs/lavida.md §1.5), less the weight and bias of post_layernorm, which is
// stored but never used.
const unused = 2 * 1152

describe('the published configs give full-size graphs', () => {
  test.each([
    ['LLaDA', lladaConfig, 717, 8_434_837_024],
    ['Dream', dreamConfig, 765, 8_030_348_832],
  ])('%s asks for the published tensors', (_, json, tensors, size) => {
    const { parameters, rows } = parametersWith(json)
    expect(parameters).toHaveLength(tensors - 2)
    expect(parameters.reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(size - unused)
    expect(rows.dims[0]).toBe('196*views+1')
  })

  test('without padding removal there is no newline to ask for', () => {
    const names = parametersWith({ ...lladaConfig, mm_patch_merge_type: 'flat' }).parameters.map(
      ({ name }) => name,
    )
    expect(names).not.toContain('model.image_newline')
  })

  test('a tied head is the embedding table', () => {
    const names = parametersWith({ ...lladaConfig, weight_tying: true }).parameters.map(({ name }) => name)
    expect(names).not.toContain('model.transformer.ff_out.weight')
    expect(names).toContain('model.transformer.blocks.0.ff_out.weight')
  })
})
