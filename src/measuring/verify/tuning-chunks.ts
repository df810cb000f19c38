/** @file Compares the first step of a tuning by GradCache with the reference's. */

import type { CompiledGraph } from '../../engine/graph/compiled.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { Session } from '../../engine/runtime/session.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import {
  chunkGraphs,
  gradCache,
  sessionChunk,
  sessionLoss,
  vectorLossGraph,
} from '../../learning/tuning/gradcache.ts'
import { graphScalars } from '../../learning/tuning/losses/loss.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { lossSettings } from '../../learning/tuning/losses/settings.ts'
import { batchFeeds, batchVectors, fixtureBatch } from './tuning-batch.ts'
import { adapted, compareGradients, fedArrays, open, type TuningSubject } from './tuning-subject.ts'

export type Chunked = Awaited<ReturnType<typeof gradCache>>

/**
 * Runs the first step by chunks. Gradients have the adapter's names.
 * @returns `undefined` where the fixture has no GradCache part
 */
export async function byChunks(subject: TuningSubject): Promise<Chunked | undefined> {
  const { fixture, model, query, target, dir, checkpoint } = subject
  if (fixture.gradcache === undefined) return undefined
  const { chunk: size } = fixture.gradcache
  const processor = await model.processor(checkpoint.dir)
  const width = model.shape.hidden
  const loss = makeLoss(lossSettings.parse({ temperature: fixture.temperature }))
  const lossGraph = vectorLossGraph({ query: ['pairs', width], target: ['pairs', width] }, (graph, vectors) =>
    loss.build({ ...graphScalars(graph), queries: vectors.query!, targets: vectors.target! }),
  )
  const sessions: Session[] = []
  const opened = async (compiled: CompiledGraph) => {
    const session = await open(subject, compiled)
    sessions.push(session)
    return session
  }
  try {
    const chunks = []
    const spelled = new Map<string, string>()
    for (const [name, batch] of [
      ['query', query],
      ['target', target],
    ] as const) {
      const graphs = chunkGraphs((graph) => ({
        [name]: batchVectors(rootScope(graph, adapted(subject, 'live').scope), model, name, batch),
      }))
      const pair = { forward: await opened(graphs.forward), backward: await opened(graphs.backward) }
      const { feeds: fed, spelled: names } = fedArrays(subject, graphs.backward)
      for (const [canonical, own] of names) spelled.set(canonical, own)
      const prompts =
        name === 'query' ? fixture.queries : fixture.targets.map((prompt) => ({ prompt, images: [] }))
      for (let start = 0; start < prompts.length; start += size) {
        const part = await fixtureBatch(dir, processor, prompts.slice(start, start + size), batch.seq)
        chunks.push(sessionChunk(pair, fed, batchFeeds(name, part, fixture)))
      }
    }
    const found = await gradCache({ chunks, loss: sessionLoss(await opened(lossGraph)) })
    const named = Object.entries(found.gradients).map(
      ([name, value]) => [spelled.get(name) ?? name, value] as const,
    )
    return { ...found, gradients: Object.fromEntries(named) }
  } finally {
    for (const session of sessions) await session.close()
  }
}

export function compareChunked(subject: TuningSubject, chunked: Chunked | undefined): void {
  const { fixture, recorder } = subject
  if (chunked === undefined || fixture.gradcache === undefined) return
  const where = { case: 'gradcache', stage: 'gradcache loss', key: 'gradcache loss' }
  recorder.compare(where, f32([], [chunked.loss]), f32([], [fixture.gradcache.loss]), fixture.tolerance.loss)
  compareGradients(subject, 'gradcache/cache/', chunked.cache, 'gradcache cache')
  compareGradients(subject, 'gradcache/grad/', chunked.gradients, 'gradcache grad')
}
