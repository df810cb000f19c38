import { expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { loadSafetensors } from '../checkpoint/safetensors.ts'
import { Embedder } from './embedder.ts'

test("pictures that become ids: the reference's vectors, whatever company they are embedded in", async () => {
  const fixture = goldenDir('mmada')
  const expected = await loadSafetensors(`${fixture}/expected.safetensors`)
  const embedder = await Embedder.load(`${fixture}/checkpoint`, {
    readouts: {
      last: { layer: 'last', norm: 'after', pool: 'last' },
      text: { layer: 'last', norm: 'after', pool: 'mean-text' },
    },
  })
  const picture = (name: string) => `${fixture}/images/${name}.png`
  const items = [
    { instruction: 'Represent the given image.', image: picture('odd') },
    { text: 'Is it grey?', image: picture('grey') },
    { text: 'A sentence to embed. Où est l’été? 漢字 🙂' },
    // Two items share this picture.
    { text: 'Is it?', image: picture('odd') },
  ]
  const { vectors, readouts } = await embedder.embed(items)
  for (const [i, name] of ['image', 'grey', 'text'].entries()) {
    for (const [pool, found] of [
      ['mean', vectors],
      ['last', readouts.last!],
    ] as const) {
      expect(found.data.subarray(i * 64, (i + 1) * 64)).toBeAllClose(
        toF32(expected.get(`${name}/pool.${pool}`)!).data,
        { atol: 1e-5 },
      )
    }
  }
  const alone = await embedder.embed(items.slice(3))
  expect(alone.readouts.text!.data).toBeAllClose(readouts.text!.data.subarray(192), { atol: 1e-6 })
  await embedder.close()
})
