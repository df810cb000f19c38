/** @file Adapter folders of PEFT read, written and refused. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { fresh } from '../../../test/small-adapter.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { readAdapter, writeAdapter } from './adapter-folder.ts'
import { loadSafetensors, writeSafetensors } from './safetensors.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-adapter-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a fresh adapter survives its folder', async () => {
  const dir = join(root, 'fresh')
  await writeAdapter(dir, fresh())
  expect(await readAdapter(dir)).toEqual(fresh())
})

describe('a folder is refused', () => {
  const broken = async (
    name: string,
    config: object,
    tensors: (given: Record<string, Tensor>) => Record<string, Tensor> = (given) => given,
  ) => {
    const dir = join(root, name)
    await writeAdapter(dir, fresh())
    writeFileSync(
      join(dir, 'adapter_config.json'),
      JSON.stringify({ ...JSON.parse(readFileSync(join(dir, 'adapter_config.json'), 'utf8')), ...config }),
    )
    const path = join(dir, 'adapter_model.safetensors')
    await writeSafetensors(path, tensors(Object.fromEntries(await loadSafetensors(path))))
    return readAdapter(dir)
  }
  const withProjector = (given: Record<string, Tensor>) => ({
    ...given,
    'base_model.model.projector.weight': f32([1], [1]),
  })
  const without = (part: string) => (given: Record<string, Tensor>) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !name.includes(part)))

  test.each([
    ['DoRA without magnitudes', 'checkpoint/adapter-tensors', { use_dora: true }, undefined],
    ['another kind', 'checkpoint/adapter-kind', { peft_type: 'IA3' }, undefined],
    [
      'a base that the adapter changed',
      'checkpoint/adapter-kind',
      { init_lora_weights: 'pissa_niter_4' },
      undefined,
    ],
    ['replicated layers', 'checkpoint/adapter-kind', { layer_replication: [[0, 2]] }, undefined],
    [
      'modules that are not targeted',
      'checkpoint/adapter-tensors',
      { target_modules: ['k_proj'] },
      undefined,
    ],
    [
      'modules that are excluded',
      'checkpoint/adapter-tensors',
      { exclude_modules: 'model\\.layers\\.1.*' },
      undefined,
    ],
    [
      'layers that are not chosen',
      'checkpoint/adapter-tensors',
      { target_modules: ['q_proj'], layers_to_transform: [0] },
      undefined,
    ],
    ['a whole tensor that nothing asks for', 'checkpoint/adapter-tensors', {}, withProjector],
    ['another rank', 'checkpoint/adapter-tensors', { r: 3 }, undefined],
    ['a bad pattern', 'file/schema', { rank_pattern: { '(': 2 } }, undefined],
    ['no B', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_B')],
    ['no A', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_A')],
    ['no tensors', 'checkpoint/adapter-tensors', {}, without('lora')],
    [
      'a foreign tensor',
      'checkpoint/adapter-tensors',
      {},
      (given: Record<string, Tensor>) => ({ ...given, other: f32([1], [1]) }),
    ],
    [
      'whole numbers',
      'checkpoint/adapter-tensors',
      {},
      (given: Record<string, Tensor>) => ({
        ...given,
        'base_model.model.model.layers.0.q_proj.lora_A.weight': i64([2, 6], Array(12).fill(0)),
      }),
    ],
  ])('%s', async (name, code, config, tensors) =>
    expect(broken(name, config, tensors)).rejects.toMatchObject({ code }),
  )

  test('whole numbers are told with file and tensor', async () => {
    const name = 'base_model.model.model.layers.0.q_proj.lora_B.weight'
    await expect(
      broken('named', {}, (given) => ({ ...given, [name]: i64([5, 2], Array(10).fill(0)) })),
    ).rejects.toMatchObject({
      exitCode: 3,
      message: `${join(root, 'named', 'adapter_model.safetensors')}: ${name} is i64, expected f32, f16 or bf16`,
    })
  })

  test('one that was saved under a name: the hint names its folder', async () => {
    const dir = join(root, 'named-inside')
    await writeAdapter(join(dir, 'vision'), fresh())
    await writeAdapter(join(dir, 'text'), fresh())
    await expect(readAdapter(dir)).rejects.toMatchObject({
      code: 'file/missing',
      hint: expect.stringContaining(`${join(dir, 'text')}, ${join(dir, 'vision')}`),
    })
  })

  test('a pickled one', async () => {
    const dir = join(root, 'pickled')
    await writeAdapter(dir, fresh())
    rmSync(join(dir, 'adapter_model.safetensors'))
    writeFileSync(join(dir, 'adapter_model.bin'), '')
    await expect(readAdapter(dir)).rejects.toMatchObject({ code: 'checkpoint/adapter-kind' })
  })
})

describe('PEFT', () => {
  test('folders are read and written again with the same tensors', async () => {
    for (const name of ['adapter-0', 'adapter-3']) {
      const dir = join(root, name)
      const adapter = await readAdapter(join(goldenDir('tune-lora-llava'), name))
      await writeAdapter(dir, adapter)
      const [got, expected] = await Promise.all(
        [dir, join(goldenDir('tune-lora-llava'), name)].map((folder) =>
          loadSafetensors(join(folder, 'adapter_model.safetensors')),
        ),
      )
      expect(new Map([...got!].sort())).toEqual(new Map([...expected!].sort()))
      expect(await readAdapter(dir)).toEqual(adapter)
    }
  })

  test.each(['lora', 'dora', 'patterns', 'modules-to-save', 'layers'])(
    '%s is written again with the same tensors',
    async (name) => {
      const folders = [join(goldenDir('tune-merge'), `adapter-${name}`), join(root, name)]
      const adapter = await readAdapter(folders[0]!)
      await writeAdapter(folders[1]!, adapter)
      const [expected, got] = await Promise.all(
        folders.map((folder) => loadSafetensors(join(folder, 'adapter_model.safetensors'))),
      )
      expect(new Map([...got!].sort())).toEqual(new Map([...expected!].sort()))
      expect(await readAdapter(folders[1]!)).toEqual(adapter)
    },
  )
})
