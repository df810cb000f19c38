/** @file Devices by name, and checks that this machine has the libraries that they need. */

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
        hint:
          'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node (Linux ' +
          'x64, CUDA 12 and cuDNN 9), or use the device webgpu (--device webgpu).',
      })
    }
  }
  return [device]
}

/**
 * Whether every device of this kind computes with 16-bit floats. In WebGPU only some devices do
 * (`shader-f16`), and the engine does not say which: bifocal computes with them there only where
 * the user asks for that precision.
 */
export function takesHalves(device: Device): boolean {
  return device !== 'webgpu'
}

/**
 * Whether the engine's fused operators for attention and rotation run in f32 on a device, and are
 * faster there.
 */
export function hasFusedOperators(device: Device): boolean {
  return device === 'cpu'
}

/** The path of the CUDA provider, whether it is installed or not. */
export function cudaLibrary(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  const file =
    process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so'
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, file)
}
