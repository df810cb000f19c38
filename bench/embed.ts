/**
 * @file A corpus of mixed lengths with repeats through `Embedder.embed`, f32, against transformers
 * as one calls it: batches in the order of the corpus, padded to their longest. Both sides read
 * pictures, make prompts' ids and run the mid-size LLaVA; vectors must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { loadSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { Embedder } from '../src/models/embedder/embedder.ts'
import { largestDifference } from './compare.ts'
import { writeCorpus, writeProcessorFiles } from './corpus.ts'
import { numbers } from './flags.ts'
import { writeMidSizeModel } from './model.ts'
import { openPeer, race, timed } from './rounds.ts'

const { layers, items, repeats, pictured, pictures, median, threads, rounds, peerBatch } = numbers({
  layers: 12,
  items: 192,
  /** Percent. */
  repeats: 25,
  /** Percent. */
  pictured: 30,
  pictures: 24,
  /** Characters. */
  median: 60,
  threads: availableParallelism(),
  rounds: 3,
  /** Items of the peer's batches; 0: what it is fastest with. */
  peerBatch: 0,
})

/** Sizes that the peer tries in its first run, which is not counted. */
const PEER_BATCHES = [8, 16, 32]

/** Of the largest element of a unit vector. */
const TOLERANCE = 1e-4

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const { model } = await writeMidSizeModel(dir, layers)
  await writeProcessorFiles(dir)
  const corpus = await writeCorpus(dir, { items, repeats, pictured, pictures, median })
  const processor = await model.processor(dir)
  const prompts = corpus.map(({ text, image }) => ({
    prompt: processor.prompt({ text, images: image === undefined ? 0 : 1 }).prompt,
    image,
  }))
  await writeFileAtomic(join(dir, 'corpus.json'), JSON.stringify(prompts))

  /**
   * Opened anew for each round, outside of the time: a picture's rows are kept for later calls,
   * which the peer can't do.
   */
  const run = async () => {
    const embedder = await Embedder.load(dir, { threads, preset: 'none' })
    await embedder.open()
    const timing = await timed(() => embedder.embed(corpus))
    await embedder.close()
    return timing
  }

  const sizes = peerBatch > 0 ? [peerBatch] : PEER_BATCHES
  const peer = await openPeer('embed.py', [dir, String(threads), ...sizes.map(String)])
  const first = (await run()).result
  console.log(
    `${first.usage.items} items, ${first.usage.distinct} of them different, ${first.usage.tokens} positions of these`,
  )
  if (peer !== undefined) {
    const { batch } = await peer.run()
    console.log(`the peer runs batches of ${batch} (of ${sizes.join(', ')} the fastest)`)
    const expected = await loadSafetensors(join(dir, 'peer-outputs.safetensors'))
    const difference = largestDifference(first.vectors, expected.get('vectors'))
    console.log(
      `largest difference of a vector's element: ${difference.toExponential(1)} of the largest (allowed ${TOLERANCE})`,
    )
    if (!(difference <= TOLERANCE)) process.exitCode = 4
  }
  await race(`embed: ${items} items, ${layers} layers × 768, ${threads} threads`, { rounds, run, peer })
  peer?.close()
} finally {
  await rm(dir, { recursive: true })
}
