import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fixtureCopies, joinShards, keepCases } from '../../../../test/broken-fixture.ts'
import { qwen25vl3b } from '../../../../test/configs/published.ts'
import { toF32 } from '../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { verifyModel } from '../../../measuring/verify/model.ts'
import { loadSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { modelOf } from '../registry.ts'

const copies = fixtureCopies()

/** The three parts of a joint projection. */
function apart(name: string, { dims, data }: Tensor<'f32'>): [string, Tensor][] {
  const [rows = 0, ...rest] = dims
  const size = data.length / 3
  return ['q', 'k', 'v'].map((part, i) => [
    name.replace('.attn.qkv.', `.attn.${part}.`),
    f32([rows / 3, ...rest], data.slice(i * size, (i + 1) * size)),
  ])
}

/** The fixture of Qwen2.5-VL with other names in its files. */
async function renamed(
  config: (json: Record<string, unknown>) => object,
  weight: (name: string, value: Tensor) => [string, Tensor][],
): Promise<string> {
  const dir = copies('qwen2.5-vl')
  keepCases(dir, 'two-images', 'text')
  await joinShards(dir)
  const file = join(dir, 'checkpoint/config.json')
  writeFileSync(file, JSON.stringify(config(JSON.parse(readFileSync(file, 'utf8')))))
  const weights = join(dir, 'checkpoint/model.safetensors')
  const tensors = [...(await loadSafetensors(weights))].flatMap(([name, value]) => weight(name, value))
  rmSync(weights)
  await writeSafetensors(weights, Object.fromEntries(tensors))
  return dir
}

/** Cases were left out, so that their tensors are not compared; nothing else may differ. */
async function expectEqual(dir: string): Promise<void> {
  const { failure, stages } = await verifyModel(dir)
  expect(failure?.stage).toBe('coverage')
  expect(stages.length).toBeGreaterThan(8)
  expect(Math.max(...stages.map(({ worst }) => worst))).toBeLessThan(0.5)
}

test('Fast-dVLM is Qwen2.5-VL with another architecture, trained by diffusion', async () => {
  const architectures = ['Fast_dLLM_Qwen2_5_VLForConditionalGeneration']
  const dir = await renamed(
    (json) => ({ ...json, model_type: 'fast_dllm', architectures }),
    (name, value) => [[name, value]],
  )
  await expectEqual(dir)
  expect(modelOf({ ...qwen25vl3b, architectures })).toMatchObject({
    family: 'qwen2.5-vl',
    objective: 'diffusion',
    shape: { nativeAttention: 'causal' },
  })
  expect(modelOf(qwen25vl3b).objective).toBe('autoregressive')
})

test("Qwen2.5-Omni's thinker is Qwen2.5-VL behind a prefix, its tower's projections apart", async () => {
  const dir = await renamed(
    ({ image_token_id: image, ...json }) => ({
      model_type: 'qwen2_5_omni',
      thinker_config: { ...json, model_type: 'qwen2_5_omni_thinker', image_token_index: image },
    }),
    (name, value) =>
      (name.includes('.attn.qkv.') ? apart(name, toF32(value)) : [[name, value] as [string, Tensor]]).map(
        ([own, tensor]) => [`thinker.${own}`, tensor],
      ),
  )
  await expectEqual(dir)
})
