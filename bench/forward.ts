/**
 * @file Forward pass of a mid-size LLaVA, f32: ours against PyTorch with transformers on the same
 * weights. Tower, projector and decoder run on both sides; results must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { largestDifference } from './compare.ts'
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
  /** Sequences a run: 512 positions a core keep its activations in its caches. */
  split: 2 * availableParallelism(),
  /** The same for the peer; by default it gets the batch whole, as one calls transformers. */
  peerSplit: 8,
})

/** Of the largest hidden state. */
const TOLERANCE = 1e-4

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const passes = await openPasses(dir, await writeMidSizeModel(dir, layers), {
    batch,
    positions,
    threads,
    split,
  })
  const peer = await openPeer('forward.py', [dir, String(threads), String(peerSplit)])
  const states = await passes.run()
  if (peer !== undefined) {
    await peer.run()
    const expected = await loadSafetensors(join(dir, 'peer-outputs.safetensors'))
    const difference = largestDifference(states, expected.get('states'))
    console.log(
      `largest difference of a hidden state: ${difference.toExponential(1)} of the largest (allowed ${TOLERANCE})`,
    )
    if (!(difference <= TOLERANCE)) process.exitCode = 4
  }
  await race(
    `forward pass: ${layers} layers × 768, batch ${batch}, ${positions} positions, ${threads} threads, ${split} sequences a run (peer ${peerSplit})`,
    { rounds, run: () => timed(() => passes.run()), peer },
  )
  peer?.close()
  await passes.close()
} finally {
  await rm(dir, { recursive: true })
}
