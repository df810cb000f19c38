/**
 * @file Forward pass of a mid-size LLaVA, f32: ours against PyTorch with transformers on the same weights. Tower, projector and decoder run
 * on both sides; results must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSafetensors, writeSafetensors } from '../src/checkpoint/safetensors.ts'
import { compile, Graph } from '../src/graph/index.ts'
import { rootScope } from '../src/nn/index.ts'
import { f32, i64, type Tensor } from '../src/numeric/tensor.ts'
import { openSession } from '../src/runtime/session.ts'
import { memoryWeights } from '../src/runtime/weights.ts'
import { largestDifference } from './compare.ts'
import { numbers } from './flags.ts'
import { PICTURE_TOKENS, randomPixels, randomSequences, writeMidSizeModel } from './model.ts'
import { openPeer, report, type Timing, timed } from './rounds.ts'

const { layers, batch, positions, threads, rounds, split, peerSplit } = numbers({
  layers: 12,
  batch: 8,
  positions: 256,
  threads: availableParallelism(),
  rounds: 5,
  /** Sequences a run: 512 positions a core keep its activations in its caches. */
  split: 2 * availableParallelism(),
  /** The same for the peer; by default it gets the batch whole, as one calls transformers. */
  peerSplit: 8,
})

/** Rows `start … end − 1` of the first axis. */
function rowsOf({ dtype, dims, data }: Tensor, start: number, end: number): Tensor {
  const width = data.length / dims[0]!
  const part = data.slice(start * width, end * width)
  return { dtype, dims: [part.length / width, ...dims.slice(1)], data: part }
}

function joined(parts: readonly Float32Array[]): Tensor<'f32'> {
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const all = new Float32Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return f32([size], all)
}

/** Of the largest hidden state. */
const TOLERANCE = 1e-4

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const { model, weights } = await writeMidSizeModel(dir, layers)
  const graph = new Graph()
  const scope = rootScope(graph)
  const { rows } = model.buildVision(scope, graph.input('pixel_values', 'f32', ['views', ...model.shape.view]))
  const integers = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
  const inputs = { inputIds: integers('input_ids'), attentionMask: integers('attention_mask'), imageIndex: integers('image_index') }
  graph.output('states', model.buildDecoder(scope, { ...inputs, imageRows: rows }).norm)
  const session = await openSession(compile(graph), { weights: memoryWeights(weights), threads, name: 'forward' })

  const { ids, imageIndex } = randomSequences(batch, positions, { pictures: true, key: 'forward' })
  const shared = {
    pixel_values: randomPixels(batch),
    input_ids: i64([batch, positions], ids),
    attention_mask: i64(
      [batch, positions],
      ids.map(() => 1),
    ),
  }
  await writeSafetensors(join(dir, 'peer-inputs.safetensors'), shared)
  // Image rows are numbered within a run.
  const index = imageIndex.map((row, at) => (row < 0 ? row : row - Math.floor(at / positions / split) * split * PICTURE_TOKENS))
  const feeds: Record<string, Tensor> = { ...shared, image_index: i64([batch, positions], index) }
  const runs = Array.from({ length: Math.ceil(batch / split) }, (_, i) =>
    Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, rowsOf(value, i * split, (i + 1) * split)])),
  )
  const run = async () => {
    const parts: Float32Array[] = []
    for (const part of runs) {
      const { states } = await session.run(part)
      if (states?.data instanceof Float32Array) parts.push(states.data)
    }
    return parts
  }

  const peer = await openPeer('forward.py', [dir, String(threads), String(peerSplit)])
  const states = joined(await run())
  if (peer !== undefined) {
    await peer.run()
    const expected = await loadSafetensors(join(dir, 'peer-outputs.safetensors'))
    const difference = largestDifference(states, expected.get('states'))
    console.log(`largest difference of a hidden state: ${difference.toExponential(1)} of the largest (allowed ${TOLERANCE})`)
    if (!(difference <= TOLERANCE)) process.exitCode = 4
  }
  const ours: Timing[] = []
  const theirs: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await timed(run))
    if (peer !== undefined) theirs.push(await peer.run())
  }
  report(
    `forward pass: ${layers} layers × 768, batch ${batch}, ${positions} positions, ${threads} threads, ${split} sequences a run (peer ${peerSplit})`,
    ours,
    peer && { name: peer.name, runs: theirs },
  )
  peer?.close()
  await session.close()
} finally {
  await rm(dir, { recursive: true })
}
