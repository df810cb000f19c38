/**
 * @file For machines with an NVIDIA GPU: whether every golden fixture equals its reference on device cuda, and how much faster than the CPU a model
 * embeds there. Needs ONNX Runtime's CUDA provider: `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`, CUDA 12, cuDNN 9.
 *
 *     npm run parity:cuda                                      all fixtures, then the shipped twins
 *     npm run parity:cuda -- DIR                               then a model of yours instead of the twins
 *
 * Options: `--golden DIR` (default BIFOCAL_GOLDEN, else ../shared/golden), `--fixtures llava,clip`. Exit code 4 where a fixture or a vector differs.
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Embedder } from '../src/embedder/embedder.ts'
import { sampleItems } from '../src/embedder/sample-items.ts'
import type { LoadOptions } from '../src/embedder/subject.ts'
import { BifocalError } from '../src/numeric/errors.ts'
import { dot } from '../src/numeric/linear.ts'
import { executionProviders } from '../src/runtime/devices.ts'
import { verifyGolden } from '../src/verify/golden.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { golden: { type: 'string', default: process.env.BIFOCAL_GOLDEN ?? '../shared/golden' }, fixtures: { type: 'string' } },
})

/** Cosines to the CPU's f32 that count as equal. */
const LEAST = { f32: 0.99999, f16: 0.999 } as const
/** Timed passes; the fastest counts. */
const ROUNDS = 5

// Said once and in words, before every fixture says it.
executionProviders('cuda')
let missed = false

for (const name of values.fixtures?.split(',') ?? (await fixtureNames(values.golden))) {
  const report = await verifyGolden(join(values.golden, name), { device: 'cuda' }).catch((error: unknown) => {
    if (error instanceof BifocalError) return error
    throw error
  })
  if (report instanceof BifocalError) {
    missed = true
    console.log(`${name.padEnd(26)} ${report.code}: ${report.message}`)
    continue
  }
  const { stages, compared, expected, failure } = report
  const worst = stages.reduce((most, stage) => (stage.worst > most.worst ? stage : most))
  missed ||= failure !== undefined
  const verdict = failure === undefined ? 'equal' : `differs at ${failure.stage}`
  console.log(
    `${name.padEnd(26)} ${verdict}: ${compared} of ${expected} tensors, worst ${worst.worst.toFixed(2)} of its tolerance (${worst.stage})`,
  )
}

for (const model of positionals.length > 0 ? positionals : ['models/twin-ar', 'models/twin-diffusion']) {
  const cpu = await embedded(model, { device: 'cpu', dtype: 'f32' })
  console.log(`${model}: ${cpu.vectors.length} items, cpu f32 ${(1000 * cpu.seconds).toFixed(1)} ms`)
  for (const dtype of ['f32', 'f16'] as const) {
    const cuda = await embedded(model, { device: 'cuda', dtype })
    const least = Math.min(...cuda.vectors.map((vector, row) => dot(vector, cpu.vectors[row]!)))
    missed ||= !(least >= LEAST[dtype])
    const speed = `${(1000 * cuda.seconds).toFixed(1)} ms, ${(cpu.seconds / cuda.seconds).toFixed(2)} times as fast`
    console.log(`  cuda ${dtype}: ${speed}; least cosine to the CPU ${least.toFixed(6)} (allowed ${LEAST[dtype]})`)
  }
}
process.exitCode = missed ? 4 : 0

async function fixtureNames(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** The built-in items' vectors, and the seconds of a pass with pictures that no cache knows. */
async function embedded(model: string, options: LoadOptions): Promise<{ vectors: Float32Array[]; seconds: number }> {
  const embedder = await Embedder.load(model, options)
  try {
    const embed = async (round: number) => (await embedder.embed(sampleItems(round).map(({ item }) => item))).vectors
    const { dims, data } = await embed(0)
    const [count = 0, width = 0] = dims
    let seconds = Number.POSITIVE_INFINITY
    for (let round = 1; round <= ROUNDS; round++) {
      const start = performance.now()
      await embed(round)
      seconds = Math.min(seconds, (performance.now() - start) / 1000)
    }
    return { vectors: Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width)), seconds }
  } finally {
    await embedder.close()
  }
}
