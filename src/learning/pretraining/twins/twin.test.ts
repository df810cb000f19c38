import { expect, test } from 'vitest'
import { modelParameters } from '../../../models/families/parameters.ts'
import { IMAGE_TOKENIZERS } from '../image-tokenizer/shape.ts'
import { isTower } from '../twin-loss.ts'
import { TWINS } from './registry.ts'
import { roleOf, seesCodes, twinModel } from './twin.ts'

const trained = (twin: (typeof TWINS)[number]) =>
  modelParameters(twinModel(twin), { head: true })
    .filter((slot) => !isTower(slot.name))
    .map((slot) => `${roleOf(slot.name)} ${slot.dims}`)
    .sort()

/** Of a code; undefined for a twin on a tower. */
const bitsOf = (twin: (typeof TWINS)[number]) =>
  seesCodes(twin) ? IMAGE_TOKENIZERS[twin.pictures].stack.bits : undefined

test.each([
  ['features', TWINS.filter((twin) => !seesCodes(twin))],
  ['codes of 10 bits', TWINS.filter((twin) => bitsOf(twin) === 10)],
])(
  'twins that see %s: every trained parameter has its counterpart of the same role and shape',
  (_, twins) => {
    const [first, ...others] = twins.map(trained)
    expect(first!.length).toBeGreaterThan(35)
    expect(others.length).toBeGreaterThan(0)
    for (const other of others) expect(other).toEqual(first)
  },
)

test('twins that see codes have the decoder of the others; projector, table and head differ', () => {
  const [features, codes] = [false, true].map((own) =>
    trained(TWINS.find((twin) => seesCodes(twin) === own)!),
  )
  const differ = /embed_tokens|lm_head|mm_projector/
  expect(codes!.filter((slot) => !differ.test(slot))).toEqual(features!.filter((slot) => !differ.test(slot)))
  expect(codes!.filter((slot) => differ.test(slot))).toEqual([
    'lm_head.weight 3072,192',
    'model.embed_tokens.weight 3072,192',
  ])
})

test('fewer codes: table and head have fewer rows, and nothing else differs', () => {
  const [ten, six] = ['twin-discrete', 'twin-discrete-6'].map((name) =>
    trained(TWINS.find((twin) => twin.name === name)!),
  )
  expect(six).toEqual(ten!.map((slot) => slot.replace('3072,192', '2112,192')))
  expect(six).not.toEqual(ten)
})
