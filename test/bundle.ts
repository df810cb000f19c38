/**
 * @file Builds sources for plain Node: workers and child processes run no TypeScript on Node 20.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export interface Bundle {
  readonly folder: string
  /** The built file of an entry. */
  file(name: string): string
  remove(): void
}

/**
 * @param entries name → source path relative to the repository's root; `name.js` is written for
 *   each
 * @returns files inside `node_modules`, where imports of packages resolve
 */
export async function bundle(entries: Readonly<Record<string, string>>): Promise<Bundle> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'bundle-'))
  const input = Object.fromEntries(
    Object.entries(entries).map(([name, source]) => [name, join(root, source)]),
  )
  const output = { entryFileNames: '[name].js', chunkFileNames: '[name].js' }
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: true, outDir: folder, rollupOptions: { input, output } },
  })
  return {
    folder,
    file: (name) => join(folder, `${name}.js`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
