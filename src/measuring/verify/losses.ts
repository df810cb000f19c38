/**
 * @file Verifies a fixture of contrastive losses: values, and gradients with respect to the vectors
 * and the learned scalars.
 */

import { basename, join } from 'node:path'
import { z } from 'zod'
import { gradients } from '../../engine/graph/backward.ts'
import { compile } from '../../engine/graph/compile.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import { l2Normalize } from '../../engine/graph/reduction.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { readJson } from '../../foundation/files/file.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { lossSettings } from '../../learning/tuning/losses/settings.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { VerifyError } from './errors.ts'

const lossCase = z.object({
  name: z.string(),
  temperature: z.number().optional(),
  target_group: z.array(z.number()).optional(),
  negative_group: z.array(z.number()).optional(),
  per_query: z.number().optional(),
  dims: z.array(z.number()).optional(),
  weights: z.array(z.number()).optional(),
})
type LossCase = z.infer<typeof lossCase>

const fixture = z.object({ kind: z.literal('losses'), tolerance: z.number(), cases: z.array(lossCase) })

/** Inputs of a case, by the fixture's names: `q`, `t`, hard negatives `h`, `scale` and `bias`. */
type Inputs = ReadonlyMap<string, Value<'f32'>>

/**
 * Compares every loss and gradient of the fixture in `dir`. The tolerance is the
 * fixture's, times the largest magnitude of the expected tensor where that is above 1. One session
 * runs all cases.
 * @throws FileError, CheckpointError when the fixture can't be read; VerifyError `verify/fixture`
 *   when a case lacks an input
 */
export async function verifyLosses(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const { tolerance, cases } = await readJson(join(dir, 'cases.json'), fixture)
  const tensors = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const results = await runCases(cases, tensors, device)
  const recorder = new VerifyRecorder()
  // Losses come before gradients: a wrong loss is then the first difference.
  const expected = ['/loss', '/grad/'].flatMap((kind) =>
    [...tensors.keys()].filter((name) => name.includes(kind)),
  )
  for (const { name } of cases) {
    for (const key of expected.filter((key) => key.startsWith(`${name}/`))) {
      const wanted = toF32(tensors.get(key)!)
      const magnitude = wanted.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
      recorder.compare(
        { case: name, stage: key.slice(name.length + 1), key },
        results[key],
        wanted,
        tolerance * magnitude,
      )
    }
  }
  return recorder.report(basename(dir), 'losses', expected)
}

/** Losses and gradients of all cases: `<case>/loss`, `<case>/grad/<input>`. */
async function runCases(
  cases: readonly LossCase[],
  tensors: ReadonlyMap<string, Tensor>,
  device: Device,
): Promise<Record<string, Tensor>> {
  const graph = new Graph()
  const feeds: Record<string, Tensor> = {}
  for (const contrastive of cases) {
    const prefix = `${contrastive.name}/in/`
    const inputs = new Map<string, Value<'f32'>>()
    for (const [key, stored] of tensors) {
      if (!key.startsWith(prefix)) continue
      feeds[key] = toF32(stored)
      inputs.set(key.slice(prefix.length), graph.input(key, 'f32', stored.dims))
    }
    const loss = lossOf(contrastive, inputs, graph)
    graph.output(`${contrastive.name}/loss`, loss)
    const names = [...inputs.keys()]
    const found = gradients(loss, [...inputs.values()])
    for (const [i, name] of names.entries()) graph.output(`${contrastive.name}/grad/${name}`, found[i]!)
  }
  const session = await openSession(compile(graph), {
    weights: memoryWeights({}),
    device,
    thread: 'caller',
    name: 'losses',
  })
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

/**
 * Builds the loss of a case. Its fields choose the settings; its name says whether the loss is
 * symmetric and whether the vectors are unit vectors already.
 */
function lossOf(contrastive: LossCase, inputs: Inputs, graph: Graph): Value<'f32'> {
  const { name, temperature, dims, weights, target_group: targets, negative_group: negatives } = contrastive
  const need = (input: string): Value<'f32'> => {
    const found = inputs.get(input)
    if (found !== undefined) return found
    throw new VerifyError('fixture', {
      message: `case ${name} has no input ${input}`,
      hint: 'Is the fixture complete?',
    })
  }
  const unit = (x: Value<'f32'>) => (name.endsWith('-unit') ? x : l2Normalize(x))
  const groups = (ids: number[] | undefined) => ids && graph.constant(i64([ids.length], ids))
  const loss = makeLoss(
    lossSettings.parse({
      name: inputs.has('bias') ? 'sigmoid' : 'infonce',
      temperature: temperature ?? { learned: 1 },
      symmetric: name.startsWith('symmetric'),
      matryoshka: dims && { dims, weights },
    }),
  )
  const hard = inputs.get('h')
  return loss.build({
    graph,
    queries: unit(need('q')),
    ...targetsOf(contrastive, unit(need('t'))),
    ...(hard && { negatives: unit(hard), negativeGroups: groups(negatives) }),
    targetGroups: groups(targets),
    stepInput: need,
    parameter: (scalar) => need(SCALARS[scalar] ?? scalar),
  }).loss
}

/** The fixture's names of trained scalars. */
const SCALARS: Readonly<Record<string, string>> = { log_scale: 'scale' }

/** With `per_query`, the rows are a positive and hard negatives for each query in turn. */
function targetsOf({ per_query: each = 1 }: LossCase, rows: Value<'f32'>) {
  if (each === 1) return { targets: rows }
  const numbers = Array.from({ length: Number(rows.dims[0]) }, (_, i) => i)
  const pick = (wanted: (place: number) => boolean) => {
    const chosen = numbers.filter((i) => wanted(i % each))
    return gather(rows, rows.graph.constant(i64([chosen.length], chosen)))
  }
  return { targets: pick((place) => place === 0), negatives: pick((place) => place > 0) }
}
