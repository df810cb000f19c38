/** @file An update apart from its weight, or joined with it: the same vectors and gradients. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { vectorJacobian } from '../../../engine/graph/backward.ts'
import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { reduceMean } from '../../../engine/graph/reduction.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { f32, i64 } from '../../../foundation/numeric/tensor.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { fedParameters } from '../../training/gradient.ts'
import { tunableModel } from '../tunable.ts'
import { trainSettings } from './settings.ts'
import { openTrained, type TrainingOptions } from './trained.ts'

test.each([
  ['LoRA', {}],
  ['DoRA', { dora: true }],
  ['norms trained whole', { modulesToSave: ['post_attention_layernorm', 'language_model.norm'] }],
])('%s', async (_, given) => {
  const path = join(goldenDir('llava'), 'checkpoint')
  const model = tunableModel(await openSubject(path, { threads: 1, preset: 'none' }))
  const trained = await openTrained(model, trainSettings.parse({ rank: 4, ...given }), 1)
  for (const [name, { data }] of Object.entries(trained.parameters))
    if (name.includes('lora_B')) for (let i = 0; i < data.length; i++) data[i] = Math.sin(i) / 10
  const ran = async (options: TrainingOptions) => {
    const weights = trained.training(options)
    const graph = new Graph()
    const { norm } = model.model.buildDecoder(rootScope(graph, weights.scope), {
      inputIds: graph.input('ids', 'i64', [1, 'seq']),
      attentionMask: graph.input('keep', 'i64', [1, 'seq']),
    })
    const mean = reduceMean(norm, [0, 1])
    const parameters = fedParameters(graph, [mean])
    const found = vectorJacobian(
      [{ output: mean, upstream: graph.input('upstream', 'f32', mean.dims) }],
      parameters.map(({ value }) => value),
    )
    graph.output('mean', mean)
    for (const [i, { name }] of parameters.entries()) graph.output(`gradient/${name}`, found[i]!)
    const compiled = compile(graph)
    const session = await openSession(compiled, {
      weights: await weights.source(compiled),
      threads: 1,
      thread: 'caller',
      name: 'low rank',
    })
    const width = model.model.shape.hidden
    const outputs = await session.run({
      ids: i64([1, 6], [1, 5, 9, 3, 7, 2]),
      keep: i64([1, 6], [1, 1, 1, 1, 1, 1]),
      upstream: f32(
        [width],
        Float32Array.from({ length: width }, (_, i) => Math.cos(i)),
      ),
      ...weights.feeds(compiled),
    })
    await session.close()
    return { outputs, names: parameters.map(({ name }) => name) }
  }
  const [joined, apart] = [await ran({}), await ran({ rows: 1 })]
  expect(joined.names.sort()).toEqual(Object.keys(trained.parameters).sort())
  for (const [name, value] of Object.entries(joined.outputs)) {
    const wanted = Array.from(value.data, Number)
    const largest = wanted.reduce((most, one) => Math.max(most, Math.abs(one)), 1e-3)
    expect(Array.from(apart.outputs[name]!.data, Number), name).toBeAllClose(wanted, { atol: 2e-5 * largest })
  }
})
