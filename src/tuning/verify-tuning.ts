/**
 * @file Verifies a fixture of adapter tuning: vectors, losses, every gradient, every weight after every step, the merged weights, and the same
 * gradients by GradCache.
 * @see specs/vlm2vec-mmeb.md §5
 */

import { basename, join } from 'node:path'
import { z } from 'zod'
import { type Adapter, adapterParameters } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { readJson } from '../checkpoint/file.ts'
import { type Checkpoint, openCheckpoint } from '../checkpoint/folder.ts'
import { loadSafetensors } from '../checkpoint/safetensors.ts'
import { VerifyRecorder, type VerifyReport } from '../embedder/verify/report.ts'
import { type AdapterMode, adaptedWeights } from '../families/adapted.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { modelOf } from '../families/registry.ts'
import { checkWeights } from '../families/weights.ts'
import { type CompiledGraph, compile, Graph } from '../graph/index.ts'
import { rootScope } from '../nn/index.ts'
import { toF32 } from '../numeric/float.ts'
import { f32, type Tensor } from '../numeric/tensor.ts'
import type { Device } from '../runtime/devices.ts'
import { openSession, type Session } from '../runtime/session.ts'
import { adamW, gradientGraph, type NamedArrays, openOptimizer, type Schedule, schedule, stepResultOf } from '../training/index.ts'
import { TuningError } from './errors.ts'
import { chunkGraphs, gradCache, sessionChunk, sessionLoss, vectorLossGraph } from './gradcache.ts'
import { infoNce } from './losses.ts'
import { batchFeeds, batchSettings, batchVectors, compareIds, type FixtureBatch, fixtureBatch, paddedIds } from './verify-batch.ts'

const ids = paddedIds.shape.ids
const fixtureSchema = z.looseObject({
  kind: z.literal('tuning'),
  ...batchSettings.shape,
  temperature: z.number(),
  queries: z.array(z.object({ prompt: z.string(), images: z.array(z.string()) })),
  targets: z.array(z.string()),
  optimizer: z.object({
    name: z.literal('AdamW'),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weight_decay: z.number(),
    schedule: z.string(),
    lr_at_step: z.array(z.number()),
  }),
  losses: z.array(z.number()),
  without_gradient: z.array(z.string()),
  gradcache: z.object({ chunk: z.int().positive(), loss: z.number() }).optional(),
  tolerance: z.looseObject({
    vectors: z.number(),
    loss: z.number(),
    after: z.number(),
    replay: z.number().default(5e-7),
    final: z.number().optional(),
    merged: z.number().optional(),
  }),
  query_ids: ids,
  query_mask: ids,
  query_image_grid_thw: ids.optional(),
  target_ids: ids,
  target_mask: ids,
})
type Fixture = z.infer<typeof fixtureSchema>

/** Of a gradient: relative to the largest magnitude of its tensor, with a floor. */
const GRADIENT = { relative: 1e-4, absolute: 1e-6 }

/** What every stage of the verification looks at. */
interface Subject {
  dir: string
  fixture: Fixture
  expected: ReadonlyMap<string, Tensor>
  checkpoint: Checkpoint
  model: VisionLanguageModel
  device: Device
  recorder: VerifyRecorder
  query: FixtureBatch
  target: FixtureBatch
  /** Trained in place. */
  adapter: Adapter
}

/**
 * Compares every tensor of the fixture in `dir`, from pixels and ids to the weights after the last step.
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture; TuningError `tuning/subject` for a dual encoder
 */
export async function verifyTuning(dir: string, { device = 'cpu' }: { device?: Device } = {}): Promise<VerifyReport> {
  const fixture = await readJson(join(dir, 'cases.json'), fixtureSchema)
  const expected = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const { checkpoint, model } = await openSubjectOf(dir)
  const processor = await model.processor(checkpoint.dir)
  const query = await fixtureBatch(dir, processor, fixture.queries)
  const target = await fixtureBatch(
    dir,
    processor,
    fixture.targets.map((prompt) => ({ prompt, images: [] })),
  )
  const recorder = new VerifyRecorder()
  const adapter = await readAdapter(join(dir, 'adapter-0'))
  const subject = { dir, fixture, expected, checkpoint, model, device, recorder, query, target, adapter }
  compareIds(recorder, 'queries', query, fixture, { ids: fixture.query_ids, mask: fixture.query_mask, grids: fixture.query_image_grid_thw })
  compareIds(recorder, 'targets', target, fixture, { ids: fixture.target_ids, mask: fixture.target_mask })
  const rate = scheduleOf(fixture, recorder)
  // Before the steps change the adapter.
  const chunked = await byChunks(subject)
  await compareReplay(subject, rate)
  await compareSteps(subject, rate)
  compareChunked(subject, chunked)
  await compareMerged(subject)
  return recorder.report(basename(dir), 'tuning', expected.keys())
}

/** The checkpoint of a fixture and its model, whose weights are all there. */
export async function openSubjectOf(dir: string): Promise<{ checkpoint: Checkpoint; model: VisionLanguageModel }> {
  const checkpoint = await openCheckpoint(join(dir, 'checkpoint'))
  const model = modelOf(checkpoint.config)
  if (model.kind !== 'vision-language') {
    throw new TuningError('subject', {
      message: `${checkpoint.dir} is a dual encoder (${model.family}), which has no decoder to adapt`,
      hint: 'Fixtures of adapters are for vision-language models.',
    })
  }
  checkWeights(modelParameters(model, { head: false }), checkpoint, model.weightSpellings)
  return { checkpoint, model }
}

/** Our schedule with the fixture's numbers, compared with the reference's rates. */
function scheduleOf({ optimizer }: Fixture, recorder: VerifyRecorder): Schedule {
  const [warmup = 0, steps = 0] = (/^linear, (\d+) warm-up steps of (\d+)$/.exec(optimizer.schedule) ?? []).slice(1).map(Number)
  const rate = schedule({ steps, warmup })
  const wanted = optimizer.lr_at_step
  const got = wanted.map((_, step) => rate(step) * optimizer.lr)
  recorder.compare(
    { case: 'schedule', stage: 'learning rate', key: 'lr_at_step' },
    f32([got.length], got),
    f32([wanted.length], wanted),
    1e-9,
  )
  return rate
}

function optimizerFor({ optimizer: { lr, betas, eps, weight_decay: weightDecay } }: Fixture, parameters: NamedArrays) {
  return openOptimizer(parameters, [{ rule: adamW({ betas, epsilon: eps, weightDecay }), learningRate: lr }])
}

/** Parameters by the adapter's names: those that the reference gives gradients for, and all. */
function trainedParameters({ adapter, fixture }: Subject): { all: NamedArrays; trained: NamedArrays } {
  const all = adapterParameters(adapter)
  const trained = Object.entries(all).filter(([name]) => !fixture.without_gradient.includes(name))
  return { all, trained: Object.fromEntries(trained) }
}

/** The optimiser alone, on the reference's own gradients. */
async function compareReplay(subject: Subject, rate: Schedule): Promise<void> {
  const { fixture, expected, recorder } = subject
  const { trained } = trainedParameters(subject)
  const copies = Object.fromEntries(Object.entries(trained).map(([name, { dims, data }]) => [name, f32(dims, data.slice())]))
  const optimizer = await optimizerFor(fixture, copies)
  for (const step of fixture.losses.keys()) {
    const given = Object.keys(copies).flatMap((name) => {
      const gradient = expected.get(`step${step}/grad/${name}`)
      return gradient === undefined ? [] : [[name, toF32(gradient)] as const]
    })
    const missing = Object.keys(copies).length - given.length
    recorder.check({ case: `step ${step}`, stage: 'replay' }, missing === 0, `the fixture has no gradient for ${missing} adapter tensors`)
    if (missing > 0) return
    await optimizer.update(Object.fromEntries(given), { step, factor: rate(step), gradientScale: 1 })
    compareAfter(subject, step, copies, 'replay', fixture.tolerance.replay)
  }
}

function compareAfter({ expected, recorder }: Subject, step: number, parameters: NamedArrays, stage: string, tolerance: number): void {
  const prefix = `step${step}/after/`
  for (const [name, value] of Object.entries(parameters)) {
    const wanted = expected.get(prefix + name)
    if (wanted !== undefined) recorder.compare({ case: `step ${step}`, stage, key: prefix + name }, value, wanted, tolerance)
  }
}

/** Adapter in the graph: canonical names of fed parameters → names and arrays of the adapter. */
function fedArrays(subject: Subject, compiled: CompiledGraph): { feeds: NamedArrays; spelled: ReadonlyMap<string, string> } {
  const feeds = adapted(subject, 'live').feeds(compiled)
  const names = new Map(Object.entries(adapterParameters(subject.adapter)).map(([name, value]) => [value, name]))
  return { feeds, spelled: new Map(Object.entries(feeds).map(([name, value]) => [name, names.get(value)!])) }
}

function adapted({ checkpoint, model, adapter }: Subject, mode: AdapterMode) {
  return adaptedWeights({ checkpoint, model, adapter, mode })
}

async function open(subject: Subject, compiled: CompiledGraph, mode: AdapterMode = 'live'): Promise<Session> {
  const weights = await adapted(subject, mode).source(compiled)
  return await openSession(compiled, { weights, device: subject.device, thread: 'caller', name: 'tuning' })
}

/** Forward, backward and update, from one end to the other. */
async function compareSteps(subject: Subject, rate: Schedule): Promise<void> {
  const { fixture, recorder, model, query, target } = subject
  const { compiled } = gradientGraph((graph) => {
    const scope = rootScope(graph, adapted(subject, 'live').scope)
    const vectors = { query: batchVectors(scope, model, 'query', query), target: batchVectors(scope, model, 'target', target) }
    for (const [name, value] of Object.entries(vectors)) graph.output(name, value)
    return { loss: infoNce(vectors.query, vectors.target, { temperature: fixture.temperature, normalize: false }) }
  })
  const { feeds: fed, spelled } = fedArrays(subject, compiled)
  const feeds = { ...batchFeeds('query', query, fixture), ...batchFeeds('target', target, fixture) }
  const { all, trained } = trainedParameters(subject)
  const optimizer = await optimizerFor(fixture, trained)
  const session = await open(subject, compiled)
  try {
    for (const step of fixture.losses.keys()) {
      const outputs = await session.run({ ...feeds, ...fed })
      for (const name of step === 0 ? ['query', 'target'] : [])
        compareVector(subject, 'vectors', `step0/${name}`, outputs[name], fixture.tolerance.vectors)
      const { loss, gradients } = stepResultOf(outputs)
      const where = { case: `step ${step}`, stage: 'loss', key: `losses ${step}` }
      recorder.compare(where, f32([], [loss]), f32([], [fixture.losses[step]!]), fixture.tolerance.loss)
      const named = Object.fromEntries(Object.entries(gradients).map(([name, value]) => [spelled.get(name) ?? name, value]))
      compareGradients(subject, `step${step}/grad/`, named)
      const strangers = Object.keys(named).filter((name) => fixture.without_gradient.includes(name))
      recorder.check({ case: `step ${step}`, stage: 'grad' }, strangers.length === 0, `the reference has no gradient of ${strangers}`)
      // What is missing was reported; the run goes on with what there is.
      if (Object.keys(trained).some((name) => named[name] === undefined)) return
      await optimizer.update(named, { step, factor: rate(step), gradientScale: 1 })
      compareAfter(subject, step, all, 'after', fixture.tolerance.after)
    }
    const { query: final } = await session.run({ ...feeds, ...fed })
    compareVector(subject, 'final', 'final/query', final, fixture.tolerance.final ?? fixture.tolerance.vectors)
  } finally {
    await session.close()
    await optimizer.close()
  }
}

function compareVector({ expected, recorder }: Subject, stage: string, key: string, got: Tensor | undefined, tolerance: number): void {
  const wanted = expected.get(key)
  if (wanted !== undefined) recorder.compare({ case: key, stage, key }, got, wanted, tolerance)
}

function compareGradients({ expected, recorder }: Subject, prefix: string, got: NamedArrays, stage = 'grad'): void {
  for (const [key, tensor] of expected) {
    if (!key.startsWith(prefix)) continue
    const wanted = toF32(tensor)
    const magnitude = wanted.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
    const tolerance = Math.max(GRADIENT.absolute, GRADIENT.relative * magnitude)
    recorder.compare({ case: prefix.split('/')[0]!, stage, key }, got[key.slice(prefix.length)], wanted, tolerance)
  }
}

type Chunked = Awaited<ReturnType<typeof gradCache>>

/** The first step by chunks, gradients under the adapter's names; `undefined` where the fixture has none. */
async function byChunks(subject: Subject): Promise<Chunked | undefined> {
  const { fixture, model, query, target, dir, checkpoint } = subject
  if (fixture.gradcache === undefined) return undefined
  const { chunk: size } = fixture.gradcache
  const processor = await model.processor(checkpoint.dir)
  const width = model.shape.hidden
  const lossGraph = vectorLossGraph({ query: ['pairs', width], target: ['pairs', width] }, (_, vectors) => ({
    loss: infoNce(vectors.query!, vectors.target!, { temperature: fixture.temperature, normalize: false }),
  }))
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
      const prompts = name === 'query' ? fixture.queries : fixture.targets.map((prompt) => ({ prompt, images: [] }))
      for (let start = 0; start < prompts.length; start += size) {
        const part = await fixtureBatch(dir, processor, prompts.slice(start, start + size), batch.seq)
        chunks.push(sessionChunk(pair, fed, batchFeeds(name, part, fixture)))
      }
    }
    const found = await gradCache({ chunks, loss: sessionLoss(await opened(lossGraph)) })
    const named = Object.entries(found.gradients).map(([name, value]) => [spelled.get(name) ?? name, value] as const)
    return { ...found, gradients: Object.fromEntries(named) }
  } finally {
    for (const session of sessions) await session.close()
  }
}

function compareChunked(subject: Subject, chunked: Chunked | undefined): void {
  const { fixture, recorder } = subject
  if (chunked === undefined || fixture.gradcache === undefined) return
  const where = { case: 'gradcache', stage: 'gradcache loss', key: 'gradcache loss' }
  recorder.compare(where, f32([], [chunked.loss]), f32([], [fixture.gradcache.loss]), fixture.tolerance.loss)
  compareGradients(subject, 'gradcache/cache/', chunked.cache, 'gradcache cache')
  compareGradients(subject, 'gradcache/grad/', chunked.gradients, 'gradcache grad')
}

/** The trained adapter merged into the base: weights, and vectors; and the reference's own folder of it. */
async function compareMerged(subject: Subject): Promise<void> {
  const { dir, fixture, expected, recorder, model, adapter, query } = subject
  const { after, merged = after, final = fixture.tolerance.vectors } = fixture.tolerance
  const folder = `adapter-${fixture.losses.length}`
  const own = adapterParameters(adapter)
  for (const [name, wanted] of Object.entries(adapterParameters(await readAdapter(join(dir, folder)))))
    recorder.compare({ case: folder, stage: 'folder', key: `${folder}/${name}` }, own[name], wanted, after)
  const weights = adapted(subject, 'merged')
  const changed = await weights.merged()
  for (const [key, wanted] of expected) {
    if (!key.startsWith('merged/')) continue
    const found = weights.find(key.slice('merged/'.length))
    recorder.compare({ case: 'merged', stage: 'merged', key }, found && changed.get(found.name), wanted, merged)
  }
  const graph = new Graph()
  graph.output('query', batchVectors(rootScope(graph, adapted(subject, 'merged').scope), model, 'query', query))
  const session = await open(subject, compile(graph), 'merged')
  try {
    const { query: vectors } = await session.run(batchFeeds('query', query, fixture))
    compareVector(subject, 'merged vectors', 'final/query', vectors, final)
  } finally {
    await session.close()
  }
}
