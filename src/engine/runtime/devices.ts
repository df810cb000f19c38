/** @file Devices by name, and whether this machine has what they need. */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { RuntimeError } from './errors.ts'

/**
 * Where a session computes. `cpu` in f32 is the reference. `webgpu` needs a GPU driver (Vulkan,
 * Metal, Direct3D 12) and nothing else; it also runs in software, on SwiftShader:
 * `VK_DRIVER_FILES=…/vk_swiftshader_icd.json` and `XDG_RUNTIME_DIR` set. `cuda` needs a download.
 */
export type Device = 'cpu' | 'webgpu' | 'cuda'

export const DEVICES: readonly Device[] = ['cpu', 'webgpu', 'cuda']

/**
 * ONNX Runtime's execution providers for a device; operators that a GPU lacks run on the CPU.
 * @throws RuntimeError `runtime/no-cuda` when the CUDA provider isn't installed
 */
export function executionProviders(device: Device): string[] {
  if (device === 'cuda') {
    const library = cudaLibrary()
    if (!existsSync(library)) {
      throw new RuntimeError('no-cuda', {
        message: `device cuda needs ${library}, which is absent`,
        hint: 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node (Linux x64, CUDA 12 and cuDNN 9), or use the device webgpu (--device webgpu).',
      })
    }
  }
  return [device]
}

/**
 * Whether every device of this kind takes 16-bit floats. WebGPU leaves them to the device
 * (`shader-f16`), and the engine does not tell: nothing is computed on them there unless a
 * precision asks for it.
 */
export function takesHalves(device: Device): boolean {
  return device !== 'webgpu'
}

/**
 * Whether the engine's own operators for attention and rotation run on a device in f32 and save
 * time there.
 */
export function hasFusedOperators(device: Device): boolean {
  return device === 'cpu'
}

/** Where the CUDA provider lies once it is installed. */
export function cudaLibrary(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  const file =
    process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so'
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, file)
}
