/**
 * @file Both twins on the 15 tasks of the full plan, as the command line runs them: from process
 * start to the table and the page. It has no peer; the bar is a time.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readJson } from '../src/foundation/files/file.ts'
import { openRun } from '../src/measuring/benchmark/run/eval-run.ts'
import { recordSchema, runFiles } from '../src/measuring/benchmark/run/files.ts'
import { numbers } from './flags.ts'

const { limit, threads, allowed } = numbers({
  /** Rows of each task; 0: all of them. */
  limit: 0,
  threads: availableParallelism(),
  /** Seconds; told of whole tasks only. */
  allowed: 480,
})
const MODELS = ['bifocal:twin-ar', 'bifocal:twin-diffusion']
// Built code lies in .bifocal/bench/bench, three folders below the root.
const CLI = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const flags = ['--tasks', 'embedded:full', '--threads', String(threads), '--out', dir]
  const limited = limit > 0 ? ['--limit', String(limit)] : []
  const start = performance.now()
  const child = spawn(process.execPath, [CLI, 'eval', ...MODELS, ...flags, ...limited], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) process.exitCode = 1
  else {
    const { results } = await openRun(dir)
    const { vectors } = await readJson(join(dir, runFiles.record), recordSchema)
    for (const { model, items, computed, seconds: own } of vectors)
      console.log(`${model}: ${computed} of ${items} vectors computed in ${own.toFixed(1)} s`)
    const whole = limit === 0
    console.log(
      `${MODELS.length} models on ${results.tasks.length} tasks, ${threads} threads: ${seconds.toFixed(1)} s${whole ? ` (allowed ${allowed})` : ''}`,
    )
    if (whole && !(seconds <= allowed)) process.exitCode = 4
  }
} finally {
  await rm(dir, { recursive: true })
}
