import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { gpuEnvironment } from '../../../test/software-gpu.ts'
import { cudaLibrary, executionProviders } from './devices.ts'

const numbers = z.array(z.number())
const gpu = gpuEnvironment()
let built: Bundle
beforeAll(async () => {
  built = await bundle({
    attention: 'test/attention-program.ts',
    lookup: 'test/lookup-program.ts',
    worker: 'src/engine/runtime/worker.ts',
  })
})
afterAll(() => built.remove())

async function ran(
  program: 'attention' | 'lookup',
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [built.file(program), ...args], {
    env,
    timeout: 50_000,
  })
  return JSON.parse(stdout)
}

describe('device webgpu', () => {
  test.skipIf(gpu === undefined)('gather, cast of bf16, product and softmax equal the CPU', async () => {
    const onGpu = numbers.parse(await ran('attention', ['webgpu'], gpu))
    const onCpu = numbers.parse(await ran('attention', ['cpu']))
    expect(onGpu).toHaveLength(5 * 32)
    expect(onGpu).toBeAllClose(onCpu, { atol: 1e-5 })
  })

  test.skipIf(gpu === undefined).each(['fast', 'low'])(
    'f16 and bf16 tables equal the CPU, memory %s',
    async (memory) => {
      const onGpu = numbers.parse(await ran('lookup', ['webgpu', 'f32', memory], gpu))
      expect(onGpu).toBeAllClose(numbers.parse(await ran('lookup', ['cpu', 'f32', memory])), { atol: 1e-5 })
    },
  )

  test.skipIf(gpu === undefined)('at f16 it computes in f16, or says that this GPU can not', async () => {
    const onGpu = await ran('lookup', ['webgpu', 'f16'], gpu)
    if (Array.isArray(onGpu))
      expect(numbers.parse(onGpu)).toBeAllClose(numbers.parse(await ran('lookup', ['cpu', 'f32'])), {
        atol: 0.05,
      })
    else
      expect(onGpu).toMatchObject({
        code: 'runtime/no-f16',
        exitCode: 2,
        hint: expect.stringContaining('--dtype f32'),
      })
  })

  test('without a driver the error says what to do', async () => {
    const none = { ...process.env, VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' }
    expect(await ran('attention', ['webgpu'], none)).toMatchObject({
      code: 'runtime/no-adapter',
      hint: expect.stringContaining('--device cpu'),
    })
  })
})

test('device cpu needs nothing', () => expect(executionProviders('cpu')).toEqual(['cpu']))

test.skipIf(existsSync(cudaLibrary()))(
  'device cuda without its library names the command that installs it',
  () => {
    expect(() => executionProviders('cuda')).toThrow(
      expect.objectContaining({
        code: 'runtime/no-cuda',
        hint: expect.stringContaining(
          'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node',
        ),
      }),
    )
  },
)
