/**
 * @file Forward pass of a mid-size LLaVA in 8 bits: ours against PyTorch with transformers in
 * bfloat16 on the same weights. Vectors, the last position's state and the mean of all, must stay
 * near those of our f32; how near the peer's come is printed too.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { dot, l2NormaliseRows } from '../src/foundation/numeric/linear.ts'
import { f32, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { loadSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { numbers } from './flags.ts'
import { writeMidSizeModel } from './model.ts'
import { openPasses } from './passes.ts'
import { openPeer, race, timed } from './rounds.ts'

const { layers, batch, positions, threads, rounds, split, peerSplit } = numbers({
  layers: 12,
  batch: 8,
  positions: 256,
  threads: availableParallelism(),
  rounds: 5,
  /**
   * Sequences a run: 256 positions a core, half of what is best in f32, because products are fast
   * and passes over activations are not.
   */
  split: availableParallelism(),
  /** The same for the peer; by default it gets the batch whole, as one calls transformers. */
  peerSplit: 8,
})

/** Cosine to f32. */
const LEAST = 0.995

/** Unit vectors `[2 · batch, hidden]`: of each sequence the last state, then the mean. */
function vectorsOf({ data }: Tensor<'f32'>): Tensor<'f32'> {
  const hidden = data.length / (batch * positions)
  const vectors = new Float32Array(2 * batch * hidden)
  for (let row = 0; row < batch * positions; row++) {
    const sequence = Math.floor(row / positions)
    for (let i = 0; i < hidden; i++) {
      const value = data[row * hidden + i]!
      if (row % positions === positions - 1) vectors[2 * sequence * hidden + i] = value
      vectors[(2 * sequence + 1) * hidden + i]! += value / positions
    }
  }
  return l2NormaliseRows(f32([2 * batch, hidden], vectors))
}

function leastCosine(a: Tensor<'f32'>, b: Tensor<'f32'>): number {
  const width = a.dims[1]!
  const rowOf = ({ data }: Tensor<'f32'>, row: number) => data.subarray(row * width, (row + 1) * width)
  return Math.min(...Array.from({ length: a.dims[0]! }, (_, row) => dot(rowOf(a, row), rowOf(b, row))))
}

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const model = await writeMidSizeModel(dir, layers)
  const sizes = { batch, positions, threads, split }
  const exactPasses = await openPasses(dir, model, sizes)
  const exact = vectorsOf(await exactPasses.run())
  await exactPasses.close()
  const passes = await openPasses(dir, model, sizes, 'int8')
  const peer = await openPeer('forward.py', [dir, String(threads), String(peerSplit), 'bfloat16'])
  const least = leastCosine(vectorsOf(await passes.run()), exact)
  console.log(`int8: least cosine of a vector to f32 ${least.toFixed(5)} (allowed ${LEAST})`)
  if (!(least >= LEAST)) process.exitCode = 4
  if (peer !== undefined) {
    await peer.run()
    const states = (await loadSafetensors(join(dir, 'peer-outputs.safetensors'))).get('states')
    if (states?.data instanceof Float32Array) {
      console.log(
        `peer, bfloat16: least cosine to our f32 ${leastCosine(vectorsOf(f32([states.data.length], states.data)), exact).toFixed(5)}`,
      )
    }
  }
  await race(
    `int8 against bfloat16: ${layers} layers × 768, batch ${batch}, ${positions} positions, ${threads} threads, ${split} sequences a run (peer ${peerSplit})`,
    { rounds, run: () => timed(() => passes.run()), peer, called: peer && `${peer.name} bf16` },
  )
  peer?.close()
  await passes.close()
} finally {
  await rm(dir, { recursive: true })
}
