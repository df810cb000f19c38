import { expect, test } from 'vitest'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { engineFailure, errorOf, RuntimeError, recordOf } from './errors.ts'

test.each([
  ['Failed to get a WebGPU adapter: No supported adapters', 'runtime/no-adapter'],
  ['Failed to allocate memory for requested buffer of size 1', 'runtime/memory'],
  ['std::bad_alloc', 'runtime/memory'],
  [
    'Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file',
    'runtime/no-cuda',
  ],
  ['CUDA failure 100: no CUDA-capable device is detected ; GPU=-1', 'runtime/no-cuda'],
  ['CUDA failure 2: out of memory ; GPU=0', 'runtime/memory'],
  ['Status Message: Program Gather requires f16 but the device does not support it.', 'runtime/no-f16'],
  ['Non-zero status code returned while running Add node. Name:adapter.lora_A', 'runtime/engine'],
])('%s is %s', (message, code) => {
  expect(engineFailure(new Error(message))).toMatchObject({ code, message: expect.stringContaining(message) })
})

test.each([
  [new RuntimeError('weights', { message: 'm', hint: 'h' }), 'RuntimeError'],
  [new InterruptedError('a run'), 'BifocalError'],
])('%s crosses a thread border whole', (error, name) => {
  const { code, message, hint, exitCode } = error
  expect(errorOf(structuredClone(recordOf(error)))).toMatchObject({ name, code, message, hint, exitCode })
})
