/**
 * @file From process start to the first vector: `bifocal embed` as a user calls it, on a checkpoint
 * folder or on a random model of a twin's size.
 */

import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { BifocalError } from '../src/foundation/numeric/errors.ts'
import { writeRandomTwins } from '../test/random-twins.ts'

const { values } = parseArgs({
  options: { model: { type: 'string' }, rounds: { type: 'string', default: '5' } },
})
/** About three million parameters. */
const SIZES = { hidden: 192, heads: 6, layers: 6, inner: 512, towerLayers: 4 }
/** Milliseconds. */
const LIMIT = 2000

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const model = values.model ?? (await writeRandomTwins(dir, SIZES, 400)).ar
  const image = join(dir, 'picture.png')
  await sharp({ create: { width: 96, height: 96, channels: 3, background: 'red' } })
    .png()
    .toFile(image)
  const walls: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const start = performance.now()
    const result = spawnSync(process.execPath, [main, 'embed', model, '--text', 'a cat', '--image', image], {
      encoding: 'utf8',
    })
    walls.push(performance.now() - start)
    if (result.status !== 0)
      throw new BifocalError('bench/embed', { message: result.stderr, hint: 'Build first: npm run build.' })
  }
  const fastest = Math.min(...walls)
  console.log(
    `first vector of ${values.model ?? 'a random twin'}: ${walls.map((wall) => wall.toFixed(0)).join(', ')} ms (allowed ${LIMIT})`,
  )
  if (fastest > LIMIT) process.exitCode = 4
} finally {
  await rm(dir, { recursive: true })
}
