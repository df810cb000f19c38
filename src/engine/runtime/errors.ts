/** @file Errors of the runtime, and their form as data between threads. */

import { BifocalError, type ExitCode, roomError } from '../../foundation/numeric/errors.ts'

/** A session cannot be opened or run: its weights, feeds, device or the engine are at fault. */
export class RuntimeError extends roomError('runtime', {
  closed: 1,
  dtype: 1,
  engine: 1,
  feeds: 1,
  memory: 1,
  'no-adapter': 1,
  'no-cuda': 2,
  'no-f16': 2,
  'no-worker': 1,
  'not-finite': 1,
  'output-name': 1,
  result: 1,
  staging: 1,
  threads: 2,
  weights: 3,
  'worker-exit': 1,
}) {}

/**
 * A `RuntimeError` as plain data: structured clone keeps neither the class nor the fields of an
 * error.
 */
export interface ErrorRecord {
  code: string
  message: string
  hint: string
  exitCode: ExitCode
}

/**
 * Turns any thrown value into plain data. An error that is not bifocal's counts as the engine's.
 */
export function recordOf(error: unknown): ErrorRecord {
  const known = error instanceof BifocalError ? error : engineFailure(error)
  return { code: known.code, message: known.message, hint: known.hint, exitCode: known.exitCode }
}

/** Makes the error of a record, with the same code, message, hint and exit code. */
export function errorOf({ code, message, hint, exitCode }: ErrorRecord): BifocalError {
  const own = RuntimeError.codeOf(code)
  return own === undefined
    ? new BifocalError(code, { message, hint }, exitCode)
    : new RuntimeError(own, { message, hint })
}

/** Makes the error of a failure inside ONNX Runtime, with a hint for the common ones. */
export function engineFailure(cause: unknown): RuntimeError {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/WebGPU (adapter|device)|WebGpuContext/i.test(message)) {
    return new RuntimeError('no-adapter', {
      message: `no usable GPU for device webgpu: ${message}`,
      hint: 'Install a Vulkan driver (Linux; VK_DRIVER_FILES may name one, XDG_RUNTIME_DIR must be set), or use the device cpu (--device cpu).',
      cause,
    })
  }
  if (/requires f16 but the device does not support it/.test(message)) {
    return new RuntimeError('no-f16', {
      message: `this GPU does not compute on 16-bit floats (WebGPU's shader-f16): ${message}`,
      hint: 'Use dtype f32 on this device (--dtype f32), or the device cpu (--device cpu).',
      cause,
    })
  }
  if (/failed to allocate|out of memory|bad_alloc/i.test(message)) {
    return new RuntimeError('memory', {
      message: `the engine ran out of memory: ${message}`,
      hint: 'Lower the batch size, or use memory low (--memory low).',
      cause,
    })
  }
  if (
    /onnxruntime_providers_cuda|libcu(dart|blas|dnn|fft|rand)|CUDA (failure|error)|CUDNN|no CUDA-capable device/i.test(
      message,
    )
  ) {
    return new RuntimeError('no-cuda', {
      message: `device cuda can't be used: ${message}`,
      hint: 'Install the NVIDIA driver, CUDA 12 and cuDNN 9 where the loader finds them (LD_LIBRARY_PATH), or use the device cpu (--device cpu).',
      cause,
    })
  }
  return new RuntimeError('engine', {
    message: `ONNX Runtime failed: ${message}`,
    hint: 'If the feeds fit the graph, this is a defect of the graph: please report it with the command that led here.',
    cause,
  })
}
