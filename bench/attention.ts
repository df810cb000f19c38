/**
 * @file Attention by blocks against bidirectional attention, behind padding: the decoder of the
 * mid-size LLaVA with either mask, in alternation. Exit code 4 where blocks take more than 1.25
 * times as long.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../src/engine/graph/compile.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import type { AttentionPattern } from '../src/engine/nn/attention.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { i64 } from '../src/foundation/numeric/tensor.ts'
import { numbers } from './flags.ts'
import { randomSequences, writeMidSizeModel } from './model.ts'
import { type Timing, timed } from './rounds.ts'

const { layers, batch, positions, padding, block, threads, rounds } = numbers({
  layers: 12,
  batch: 2,
  positions: 256,
  /** Of the second half of the batch. */
  padding: 64,
  block: 8,
  threads: 1,
  rounds: 9,
})

const MOST = 1.25

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const { model, weights } = await writeMidSizeModel(dir, layers)
  const { ids } = randomSequences(batch, positions, { pictures: false, key: 'attention' })
  const dims = [batch, positions]
  const real = (at: number) => at < (batch * positions) / 2 || at % positions < positions - padding
  const feeds = {
    input_ids: i64(dims, ids),
    attention_mask: i64(
      dims,
      ids.map((_, at) => (real(at) ? 1 : 0)),
    ),
  }
  const open = async (attention: AttentionPattern) => {
    const graph = new Graph()
    const integers = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
    const inputs = { inputIds: integers('input_ids'), attentionMask: integers('attention_mask') }
    graph.output('states', model.buildDecoder(rootScope(graph), inputs, { attention }).norm)
    return await openSession(compile(graph), { weights: memoryWeights(weights), threads })
  }
  const patterns: Readonly<Record<string, AttentionPattern>> = {
    bidirectional: 'bidirectional',
    causal: 'causal',
    block: { block },
  }
  const sessions = await Promise.all(
    Object.entries(patterns).map(async ([name, pattern]) => ({
      name,
      session: await open(pattern),
      runs: [] as Timing[],
    })),
  )
  for (let round = -1; round < rounds; round++) {
    for (const { session, runs } of sessions) {
      const run = await timed(() => session.run(feeds))
      // The first round warms up.
      if (round >= 0) runs.push(run)
    }
  }
  const least = (runs: readonly Timing[]) => Math.min(...runs.map(({ busy }) => busy))
  const median = (runs: readonly Timing[]) => runs.map(({ busy }) => busy).sort((a, b) => a - b)[rounds >> 1]!
  const [full] = sessions
  console.log(
    `decoder of ${layers} × 768, batch ${batch}, ${positions} positions, ${padding} of padding in half of it, ${threads} threads, ${rounds} rounds in alternation`,
  )
  for (const { name, runs } of sessions) {
    const ratio = median(runs.map((run, i) => ({ ...run, busy: run.busy / full!.runs[i]!.busy })))
    console.log(
      `  ${name.padEnd(14)} processor time ${median(runs).toFixed(0)} ms, of bidirectional ${ratio.toFixed(2)} (fastest ${(least(runs) / least(full!.runs)).toFixed(2)})`,
    )
    if (name === 'block' && ratio > MOST) process.exitCode = 4
  }
  await Promise.all(sessions.map(({ session }) => session.close()))
} finally {
  await rm(dir, { recursive: true })
}
