/**
 * @file Memory of a tuning with pictures on a random model of a twin's size: whether it grows with
 * the batch, which GradCache cuts into chunks, and whether it climbs with the updates. Each batch
 * runs in a process of its own. Linux.
 *
 *     node .bifocal/bench/bench/tuning-memory.js [--few 64] [--many 1024] [--updates 500]
 *
 * Exit code 4 when `many` pairs take more than 1.5 times the memory of `few`, or when the last 100
 * of `updates` take over 3 % more than those from 50 to 150.
 */

import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BifocalError } from '../src/foundation/numeric/errors.ts'
import { stream } from '../src/foundation/numeric/random.ts'
import { mean } from '../src/foundation/numeric/statistics.ts'
import { keyed } from '../src/inputs/data/item.ts'
import { memorySource } from '../src/inputs/data/pairs/source.ts'
import type { Pair } from '../src/inputs/data/task.ts'
import { optimizerSettings, scheduleSettings } from '../src/learning/training/settings.ts'
import { sampledPlan } from '../src/learning/tuning/batches.ts'
import { makeLoss } from '../src/learning/tuning/losses/make.ts'
import { lossSettings } from '../src/learning/tuning/losses/settings.ts'
import { runTuning } from '../src/learning/tuning/run.ts'
import { trainSettings } from '../src/learning/tuning/trained/settings.ts'
import { openTrained } from '../src/learning/tuning/trained/trained.ts'
import { trainedReadouts, tunableModel } from '../src/learning/tuning/tunable.ts'
import { openSubject } from '../src/models/embedder/subject.ts'
import { writeRandomTwins } from '../test/random-twins.ts'
import { numbers } from './flags.ts'

/** About three million parameters. */
const SIZES = { hidden: 192, heads: 6, layers: 6, inner: 512, towerLayers: 4 }
const SIDE = 96
/** Pairs an update of the long run: a graph alone, without chunks. */
const LONG_BATCH = 4

const reportSchema = z.object({ resident: z.array(z.number()), peak: z.number() })
type Report = z.infer<typeof reportSchema>

function resident(which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  const [, kilobytes] = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(status) ?? []
  return Number(kilobytes) * 1024
}

/** A picture of noise with a question, and a text. */
function pair(row: number): Pair {
  const read = () => {
    const random = stream('picture', row)
    const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => Math.floor(random() * 256))
    return { width: SIDE, height: SIDE, data }
  }
  const words = Array.from({ length: 1 + (row % 7) }, (_, i) => `word ${(row * 31 + i * 17) % 97}`).join(' ')
  return {
    query: keyed({ instruction: 'What is in the picture?', image: { key: `noise ${row}`, read } }),
    target: keyed({ text: `${words} of ${row}` }),
    negatives: [],
  }
}

/** In a process of its own. */
async function tuneOnce(folder: string, batch: number, updates: number): Promise<Report> {
  const subject = await openSubject(folder, { threads: 1 })
  const model = tunableModel(subject)
  const source = memorySource(
    'noise',
    Array.from({ length: Math.max(batch, 256) }, (_, row) => pair(row)),
  )
  const seen: number[] = []
  const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
  try {
    await runTuning({
      id: 'twin',
      model,
      modelHash: 'twin',
      trained: await openTrained(model, trainSettings.parse({ rank: 16 }), 1),
      loss: makeLoss(lossSettings.parse({})),
      readouts: trainedReadouts(subject),
      sources: [source],
      plan: sampledPlan({ sources: [source], batch, subBatch: batch, seed: 1 }),
      updates,
      optimizer: optimizerSettings.parse({}),
      schedule: scheduleSettings.parse({}),
      settings: {},
      dir,
      threads: 1,
      onUpdate: () => seen.push(resident('VmRSS')),
    })
  } finally {
    await rm(dir, { recursive: true })
  }
  return { resident: seen, peak: resident('VmHWM') }
}

async function inProcess(folder: string, batch: number, updates: number): Promise<Report> {
  const child = fork(fileURLToPath(import.meta.url), [folder, String(batch), String(updates)])
  return await new Promise((resolve, reject) => {
    child.on('message', (message) => resolve(reportSchema.parse(message)))
    child.on('exit', (code) => reject(childEnded(code)))
  })
}

const childEnded = (code: number | null) =>
  new BifocalError('bench/child', { message: `the child ended with ${code}`, hint: 'Its message is above.' })

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

const [, , folder, batch, updates] = process.argv
if (process.send !== undefined && folder !== undefined) {
  process.send(await tuneOnce(folder, Number(batch), Number(updates)))
} else {
  const sizes = numbers({ few: 64, many: 1024, updates: 500 })
  const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
  try {
    const { ar } = await writeRandomTwins(dir, SIZES, 400)
    if (sizes.many > 0) {
      const few = await inProcess(ar, sizes.few, 2)
      const many = await inProcess(ar, sizes.many, 2)
      const ratio = many.peak / few.peak
      console.log(
        `peak resident, ${sizes.few} pairs ${mib(few.peak)}, ${sizes.many} pairs ${mib(many.peak)}: ratio ${ratio.toFixed(2)} (allowed 1.5)`,
      )
      if (ratio > 1.5) process.exitCode = 4
    }
    if (sizes.updates > 0) {
      const { resident: each } = await inProcess(ar, LONG_BATCH, sizes.updates)
      const [early, late] = [mean(each.slice(50, 150)), mean(each.slice(-100))]
      console.log(
        `resident, ${sizes.updates} updates: ${mib(early)} from 50 to 150, ${mib(late)} in the last 100: ratio ${(late / early).toFixed(3)} (allowed 1.03)`,
      )
      if (late / early > 1.03) process.exitCode = 4
    }
  } finally {
    await rm(dir, { recursive: true })
  }
}
