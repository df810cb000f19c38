/**
 * @file A contrastive tuning step (forward, backward, AdamW on a LoRA of rank 16 over all linear
 * layers of the decoder), f32: ours against PyTorch with PEFT on the same weights. The losses of
 * all steps must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompiledGraph } from '../src/engine/graph/compiled.ts'
import type { Graph, Value } from '../src/engine/graph/graph.ts'
import { gather } from '../src/engine/graph/indexing.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { openSession, type Session } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { adamW } from '../src/learning/training/adamw.ts'
import { type GradientStep, gradientGraph, sessionStep } from '../src/learning/training/gradient.ts'
import { openOptimizer } from '../src/learning/training/optimizer.ts'
import { chunkVectors } from '../src/learning/tuning/chunk-graph.ts'
import {
  chunkGraphs,
  gradCache,
  sessionChunk,
  sessionLoss,
  vectorLossGraph,
} from '../src/learning/tuning/gradcache.ts'
import { graphScalars } from '../src/learning/tuning/losses/loss.ts'
import { makeLoss } from '../src/learning/tuning/losses/make.ts'
import { lossSettings } from '../src/learning/tuning/losses/settings.ts'
import { adapterParameters, initialAdapter } from '../src/models/checkpoint/adapter.ts'
import { writeAdapter } from '../src/models/checkpoint/adapter-folder.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { poolWeightsFeed } from '../src/models/embedder/readout.ts'
import { decoderLinears } from '../src/models/families/parameters.ts'
import { numbers } from './flags.ts'
import { PICTURE_TOKENS, randomSequences, writeMidSizeModel } from './model.ts'
import { openPeer, report, type Timing, timed } from './rounds.ts'

const { layers, batch, positions, targetPositions, chunk, threads, rounds } = numbers({
  layers: 12,
  batch: 8,
  positions: 128,
  targetPositions: 32,
  /** Items of a chunk of GradCache; 0: the whole batch in one graph. */
  chunk: 0,
  threads: availableParallelism(),
  rounds: 5,
})
const RANK = 16
const ALPHA = 32
const settings = { temperature: 0.02, learningRate: 1e-6, weightDecay: 0.01 }
const TOLERANCE = 1e-4
/** Name of the decoder within the model; the peer adapts the decoder alone. */
const DECODER = 'language_model.'

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
try {
  const { model, weights } = await writeMidSizeModel(dir, layers)
  const adapter = initialAdapter(decoderLinears(model), { rank: RANK, alpha: ALPHA, seed: 1 })
  // Not zero as at the start of a training: then half of the gradients would be.
  for (const [module, { up }] of adapter.modules) fillNormal(up.data, 0.01, stream(1, 'up', module))
  const modules = new Map(
    [...adapter.modules].map(([module, update]) => [module.replace(DECODER, ''), update]),
  )
  await writeAdapter(join(dir, 'adapter'), {
    config: { ...adapter.config, targets: [...modules.keys()] },
    modules,
  })
  await writeFileAtomic(join(dir, 'tuning.json'), JSON.stringify(settings))

  const contrastive = makeLoss(lossSettings.parse({ temperature: settings.temperature }))
  const read = { attention: 'causal', readouts: [{ layer: 'last', norm: 'after', pool: 'last' }] } as const
  /** Vectors of all groups, `[items, hidden]`. */
  const vectorsOf = (graph: Graph, groups: number) => {
    const scope = rootScope(graph, { adapter: () => ({ rank: RANK, scale: ALPHA / RANK }) })
    return chunkVectors(scope, model, read, { groups, pictures: 'rows' })[0]!
  }
  const lossOf = (graph: Graph, vectors: Value<'f32'>) => {
    // The two groups have sizes of their own: rows are picked by number, as a tuning does.
    const pick = (name: string) => gather(vectors, graph.input(name, 'i64', ['pairs']))
    const scalars = graphScalars(graph)
    return contrastive.build({ ...scalars, queries: pick('query_rows'), targets: pick('target_rows') })
  }
  const parameters = adapterParameters(adapter)
  const optimizer = await openOptimizer(parameters, [
    { rule: adamW(settings), learningRate: settings.learningRate },
  ])
  const sessions: Session[] = []
  const open = async (compiled: CompiledGraph, name: string) => {
    const session = await openSession(compiled, { weights: memoryWeights(weights), threads, name })
    sessions.push(session)
    return session
  }

  const { hidden } = model.shape
  const imageRows = f32(
    [batch * PICTURE_TOKENS, hidden],
    fillNormal(new Float32Array(batch * PICTURE_TOKENS * hidden), 0.02, stream(1, 'rows')),
  )
  const numbered = (from: number) =>
    i64(
      [batch],
      Array.from({ length: batch }, (_, i) => from + i),
    )
  const rows = { query_rows: numbered(0), target_rows: numbered(batch) }
  const peerInputs: Record<string, Tensor> = { image_rows: imageRows }
  const sides = (['query', 'target'] as const).map((side) => {
    const length = side === 'query' ? positions : targetPositions
    const { ids, imageIndex } = randomSequences(batch, length, { pictures: side === 'query', key: side })
    const last = Float32Array.from({ length }, (_, at) => Number(at === length - 1))
    peerInputs[`input_ids_${side}`] = i64([batch, length], ids)
    peerInputs[`image_index_${side}`] = i64([batch, length], imageIndex)
    /** Items `start … start + count` as group `index`. */
    return (index: number, start: number, count: number): Record<string, Tensor> => {
      const places = (values: readonly number[]) =>
        i64([count, length], values.slice(start * length, (start + count) * length))
      return {
        image_rows: imageRows,
        [`input_ids${index}`]: places(ids),
        [`image_index${index}`]: places(imageIndex),
        [`attention_mask${index}`]: places(ids.map(() => 1)),
        [`pool_weights${index}`]: poolWeightsFeed([Array.from({ length: count }, () => last)], length),
      }
    }
  })
  await writeSafetensors(join(dir, 'peer-inputs.safetensors'), peerInputs)

  /** Queries and targets in one graph. */
  const wholeStep = async (): Promise<GradientStep> => {
    const { compiled } = gradientGraph((graph) => lossOf(graph, vectorsOf(graph, 2)))
    const feeds = Object.assign({ ...rows }, ...sides.map((side, index) => side(index, 0, batch)))
    return sessionStep({ session: await open(compiled, 'tuning'), parameters, feeds: () => feeds })
  }
  /** GradCache by `chunk` items. */
  const chunkedStep = async (): Promise<GradientStep> => {
    const graphs = chunkGraphs((graph) => ({ own: vectorsOf(graph, 1) }))
    const pair = {
      forward: await open(graphs.forward, 'vectors'),
      backward: await open(graphs.backward, 'gradients'),
    }
    const lossGraph = vectorLossGraph({ own: ['items', hidden] }, (graph, { own }) => lossOf(graph, own!))
    const loss = sessionLoss(await open(lossGraph, 'loss'), rows)
    const starts = Array.from({ length: Math.ceil(batch / chunk) }, (_, i) => i * chunk)
    const chunks = sides.flatMap((side) =>
      starts.map((start) => sessionChunk(pair, parameters, side(0, start, Math.min(chunk, batch - start)))),
    )
    return async () => await gradCache({ chunks, loss })
  }
  const gradient = await (chunk === 0 ? wholeStep() : chunkedStep())
  let step = 0
  const run = async () => {
    const { loss, gradients } = await gradient({ step })
    await optimizer.update(gradients, { factor: 1, gradientScale: 1 })
    step++
    return loss
  }

  const peer = await openPeer('tuning.py', [dir, String(threads), String(chunk)])
  const ours: Timing[] = []
  const theirs: Timing[] = []
  // The first round warms up: it counts for the losses only.
  for (let round = 0; round <= rounds; round++) {
    const { result: loss, ...timing } = await timed(run)
    if (round > 0) ours.push(timing)
    if (peer === undefined) continue
    const { loss: expected = Number.NaN, ...peerTiming } = await peer.run()
    if (round > 0) theirs.push(peerTiming)
    console.log(`step ${round}: loss ${loss.toFixed(6)}, peer ${expected.toFixed(6)}`)
    if (!(Math.abs(loss - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)))) process.exitCode = 4
  }
  report(
    `tuning step: ${layers} layers × 768, ${batch} pairs of ${positions} and ${targetPositions} positions, ${chunk === 0 ? 'whole' : `chunks of ${chunk}`}, ${threads} threads`,
    ours,
    peer && { name: peer.name, runs: theirs },
  )
  peer?.close()
  for (const session of sessions) await session.close()
  await optimizer.close()
} finally {
  await rm(dir, { recursive: true })
}
