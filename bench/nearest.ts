/**
 * @file The k nearest candidates of many queries, exact: ours in blocks through the engine against
 * NumPy's product and argpartition. First all queries in one pool, then each query among candidates
 * of its own. The scores must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { l2NormaliseRows } from '../src/foundation/numeric/linear.ts'
import { below, fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32, tensor } from '../src/foundation/numeric/tensor.ts'
import { TopK } from '../src/foundation/numeric/top-k.ts'
import { loadSafetensors, writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { Similarity, vectorList } from '../src/models/embedder/similarity.ts'
import { numbers } from './flags.ts'
import { openPeer, race, timed } from './rounds.ts'

const { queries, pool, dim, k, lists, own, ownPool, threads, rounds } = numbers({
  queries: 10_000,
  pool: 100_000,
  dim: 256,
  k: 100,
  lists: 1000,
  own: 1000,
  ownPool: 5000,
  threads: availableParallelism(),
  rounds: 3,
})
const TOLERANCE = 1e-5

const vectors = (rows: number, key: string) =>
  l2NormaliseRows(f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(1, key))))
const [many, wide, few, narrow] = [
  vectors(queries, 'queries'),
  vectors(pool, 'pool'),
  vectors(lists, 'few queries'),
  vectors(ownPool, 'own pool'),
]
const draw = stream(1, 'lists')
const places = Int32Array.from({ length: lists * own }, () => below(ownPool, draw))
const listOf = (query: number) => places.subarray(query * own, (query + 1) * own)

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const given = { queries: many, pool: wide, few, narrow, places: tensor('i32', [lists, own], places) }
  await writeSafetensors(join(dir, 'peer-inputs.safetensors'), given)
  const similarity = await Similarity.open(dim, { threads })
  const work: Record<string, () => Promise<Float32Array>> = {
    pool: async () => (await similarity.nearest(vectorList(many), vectorList(wide), { k })).scores,
    own: async () => {
      const best = new TopK(lists, k)
      const scores = await similarity.own(
        few,
        narrow,
        Array.from({ length: lists }, (_, at) => listOf(at)),
      )
      for (const [query, row] of scores.entries()) best.offer(query, row, 0, row.length, 0)
      return best.finish().scores
    },
  }
  for (const [kind, run] of Object.entries(work)) {
    const peer = await openPeer('nearest.py', [dir, String(threads), kind, String(k)])
    // The first run of both warms up, and is compared.
    const ours = await run()
    if (peer !== undefined) {
      await peer.run()
      const theirs = Object.fromEntries(await loadSafetensors(join(dir, 'peer-outputs.safetensors'))).scores
      let worst = 0
      for (const [at, score] of ours.entries())
        worst = Math.max(worst, Math.abs(score - Number(theirs?.data[at] ?? Number.NaN)))
      console.log(`${kind}: scores differ by ${worst.toExponential(1)} at most`)
      if (!(worst <= TOLERANCE)) process.exitCode = 4
    }
    const what =
      kind === 'pool'
        ? `${queries} queries in a pool of ${pool}`
        : `${lists} queries, ${own} candidates each of ${ownPool}`
    await race(`${what}, ${dim} elements, k ${k}, ${threads} threads`, {
      rounds,
      run: async () => await timed(run),
      peer,
      called: 'NumPy',
    })
    peer?.close()
  }
  await similarity.close()
  console.log(`peak memory of bifocal: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
} finally {
  await rm(dir, { recursive: true })
}
