/**
 * @file A GPU in software for tests: SwiftShader and the Vulkan loader, as Debian's `chromium`
 * package brings them.
 */

import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FOLDER = '/usr/lib/chromium'
const DRIVER = join(FOLDER, 'vk_swiftshader_icd.json')

/**
 * The environment in which a child process finds a GPU for `webgpu`: a driver that
 * `VK_DRIVER_FILES` names already, else SwiftShader; says loudly when there is neither. A child
 * process, because the loader's path is read when a process starts.
 */
export function gpuEnvironment(): NodeJS.ProcessEnv | undefined {
  if (process.env.VK_DRIVER_FILES !== undefined) return process.env
  if (!existsSync(DRIVER)) {
    console.warn(
      `NOT TESTED: device webgpu (no VK_DRIVER_FILES, and ${DRIVER} is absent: apt-get install chromium)`,
    )
    return undefined
  }
  return {
    ...process.env,
    VK_DRIVER_FILES: DRIVER,
    VK_ICD_FILENAMES: DRIVER,
    LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, FOLDER].filter(Boolean).join(':'),
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? mkdtempSync(join(tmpdir(), 'bifocal-gpu-')),
  }
}
