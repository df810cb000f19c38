/** @file The version of this package. */

import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readJson } from './file.ts'

const schema = z.object({ version: z.string() })

/** @throws FileError where the package is damaged */
export async function packageVersion(): Promise<string> {
  return (await readJson(fileURLToPath(new URL('../../../package.json', import.meta.url)), schema)).version
}
