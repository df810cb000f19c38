import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { companionRepository, openModel } from './open.ts'
import { modelParameters } from './parameters.ts'
import { modelOf } from './registry.ts'
import { checkWeights } from './weights.ts'

describe('a model of two repositories', () => {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-open-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const offline = { settings: { offline: true, cache: join(root, 'cache') } }
  const fresh = (name: string) => {
    cpSync(`${goldenDir('mmada')}/checkpoint`, join(root, name, 'model'), { recursive: true })
    return join(root, name)
  }
  const tokenizer = `${goldenDir('mmada')}/image-tokenizer`

  test.each<[where: string, to: string]>([
    ['within', 'model/magvitv2'],
    ['beside', 'image-tokenizer'],
  ])('the second is found %s the first', async (where, to) => {
    const dir = fresh(where)
    cpSync(tokenizer, join(dir, to), { recursive: true })
    const checkpoint = await openModel(join(dir, 'model'), offline)
    const model = modelOf(checkpoint.config)
    const unused = checkWeights(modelParameters(model), checkpoint, model.weightSpellings)
    expect(unused.every((name) => /^image_tokenizer\.(decoder|quantize)\./.test(name))).toBe(true)
    expect((await checkpoint.read('image_tokenizer.encoder.conv_in.bias')).dims).toEqual([32])
    expect(checkpoint.files.map((file) => file.startsWith(join(dir, to)))).toEqual([false, true])
  })

  test('the caller may name it', async () => {
    const checkpoint = await openModel(join(fresh('named'), 'model'), { companion: tokenizer })
    expect(modelOf(checkpoint.config).shape).toMatchObject({ imageCodes: 64, view: [3, 32, 32] })
  })

  test('without it, the error names the repository and the folders that were looked into', async () => {
    await expect(openModel(join(fresh('alone'), 'model'), offline)).rejects.toMatchObject({
      code: 'family/no-companion',
      message: expect.stringMatching(/showlab\/magvitv2.*alone\/model\/image-tokenizer.*alone\/magvitv2/),
    })
  })

  test('a folder tells which repository it needs beside its own', async () => {
    expect(await companionRepository(`${goldenDir('mmada')}/checkpoint`)).toBe('showlab/magvitv2')
    expect(await companionRepository(`${goldenDir('llava')}/checkpoint`)).toBeUndefined()
    expect(await companionRepository(root)).toBeUndefined()
  })

  test('a model of one repository is opened as it is', async () => {
    expect((await openModel(`${goldenDir('llava')}/checkpoint`, offline)).files).toHaveLength(1)
  })
})
