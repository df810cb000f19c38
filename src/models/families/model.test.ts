import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { shipped } from '../../foundation/files/shipped.ts'
import { modelOf } from './registry.ts'

/**
 * A shipped model whose config says that the embedding table has so many rows, and the ids that it
 * makes of a text.
 */
async function idsWith(name: string, rows: number): Promise<(text: string) => number[]> {
  const dir = shipped(name)
  const config = JSON.parse(readFileSync(`${dir}/config.json`, 'utf8'))
  const model = modelOf({ ...config, text_config: { ...config.text_config, vocab_size: rows } })
  if (model.kind === 'vision-language') {
    const { prepare } = await model.processor(dir)
    return (text) => prepare(text, []).inputIds
  }
  return (await model.processor(dir)).ids
}

// [CLS] is an added token: 1781.
test.each(['twin-ar', 'tower'])(
  '%s: a token behind the last row is refused where it is used, and only there',
  async (name) => {
    const ids = await idsWith(name, 1781)
    expect(ids('a cat').length).toBeGreaterThan(1)
    expect(() => ids('a cat [CLS]')).toThrow(
      expect.objectContaining({
        code: 'family/token-id',
        exitCode: 3,
        message: `${shipped(name)}: the token "[CLS]" has the id 1781, the model's vocabulary has 1781 ids, from 0 on`,
      }),
    )
  },
)
