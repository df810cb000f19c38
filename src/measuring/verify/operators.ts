/** @file Verifies a fixture of single operators: values and gradients. */

import { basename, join } from 'node:path'
import { z } from 'zod'
import { vectorJacobian } from '../../engine/graph/backward.ts'
import { compile } from '../../engine/graph/compile.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { readJson } from '../../foundation/files/file.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { type Integers, type OperatorCase, type OperatorContext, operatorCases } from './operator-cases.ts'

const integers: z.ZodType<Integers> = z.union([z.number(), z.array(z.lazy(() => integers))])
const fixture = z.object({
  kind: z.literal('ops'),
  tolerance: z.number(),
  cases: z.array(
    z.object({
      name: z.string(),
      attributes: z.record(z.string(), z.unknown()),
      integers: z.record(z.string(), integers),
      inputs: z.array(z.string()),
    }),
  ),
})

/**
 * Compares every value and gradient of the fixture in `dir`. The tolerance is the fixture's, times
 * the largest magnitude of the expected tensor where that is above 1.
 */
export async function verifyOperators(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const { tolerance, cases } = await readJson(join(dir, 'cases.json'), fixture)
  const tensors = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const recorder = new VerifyRecorder()
  for (const operator of cases) {
    const given = (name: string): Tensor<'f32'> | undefined => {
      const found = tensors.get(`${operator.name}/${name}`)
      return found === undefined ? undefined : toF32(found)
    }
    const results = await runCase(operator, given, device)
    for (const [stage, got] of [
      ['out', results.out] as const,
      ...operator.inputs.map((input) => [`grad/${input}`, results[`grad/${input}`]] as const),
    ]) {
      const expected = given(stage)
      if (expected === undefined) continue
      const magnitude = expected.data.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1)
      recorder.compare(
        { case: operator.name, stage: operator.name, key: `${operator.name}/${stage}` },
        got,
        expected,
        tolerance * magnitude,
      )
    }
  }
  const expected = [...tensors.keys()].filter((name) => /\/(out|grad\/[^/]+)$/.test(name))
  return recorder.report(basename(dir), 'ops', expected)
}

/** Value and gradients of one case, by stage; empty where its name is no operator's. */
async function runCase(
  operator: OperatorCase,
  given: (name: string) => Tensor<'f32'> | undefined,
  device: Device,
): Promise<Record<string, Tensor>> {
  const name = Object.keys(operatorCases)
    .filter((key) => operator.name === key || operator.name.startsWith(`${key}-`))
    .sort((a, b) => b.length - a.length)[0]
  const upstream = given('upstream')
  if (name === undefined || upstream === undefined) return {}
  const graph = new Graph()
  const feeds: Record<string, Tensor> = {}
  const declare = (slot: string, value: Tensor<'f32'> | undefined): Value<'f32'> => {
    const { dims, data } = value ?? f32([0], [])
    feeds[slot] = f32(dims, data)
    return graph.input(slot, 'f32', dims)
  }
  const inputs = new Map(
    operator.inputs.map((input) => [input, declare(`in/${input}`, given(`in/${input}`))]),
  )
  const output = operatorCases[name]!(contextOf(graph, operator, inputs))
  graph.output('out', output)
  const differentiated = [...inputs]
  const found = vectorJacobian(
    [{ output, upstream: declare('upstream', upstream) }],
    differentiated.map(([, value]) => value),
  )
  for (const [i, gradient] of found.entries()) graph.output(`grad/${differentiated[i]![0]}`, gradient)
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights: memoryWeights({}), device, thread: 'caller' })
  try {
    const used = new Set(compiled.inputs.map((slot) => slot.name))
    return await session.run(Object.fromEntries(Object.entries(feeds).filter(([slot]) => used.has(slot))))
  } finally {
    await session.close()
  }
}

function contextOf(
  graph: Graph,
  operator: OperatorCase,
  inputs: ReadonlyMap<string, Value<'f32'>>,
): OperatorContext {
  const flat = (name: string) => flatten(operator.integers[name] ?? [])
  const dims = (value: Integers | undefined): number[] =>
    Array.isArray(value) ? [value.length, ...dims(value[0])] : []
  return {
    graph,
    of: (input) => inputs.get(input) ?? graph.scalar(Number.NaN),
    has: (input) => inputs.has(input),
    number: (attribute, fallback) => z.number().parse(operator.attributes[attribute] ?? fallback),
    text: (attribute) => z.string().default('').parse(operator.attributes[attribute]),
    numbers: (attribute) => z.array(z.number()).parse(operator.attributes[attribute]),
    integers: flat,
    whole: (name) => graph.constant(i64(dims(operator.integers[name]), flat(name))),
    real: (name) => graph.constant(f32(dims(operator.integers[name]), flat(name))),
  }
}

function flatten(value: Integers): number[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [value]
}
