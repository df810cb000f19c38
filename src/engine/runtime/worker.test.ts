import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { graphOfUnknownOperator, handMadeGraph, productGraph } from '../../../test/onnx-graph.ts'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { memoryWeights } from './weights.ts'
import { startWorkerEngine } from './worker-engine.ts'

let built: Bundle
let openSession: typeof import('./session.ts').openSession

beforeAll(async () => {
  built = await bundle({ session: 'src/engine/runtime/session.ts', worker: 'src/engine/runtime/worker.ts' })
  openSession = (await import(/* @vite-ignore */ pathToFileURL(built.file('session')).href)).openSession
})
afterAll(() => built.remove())

/** About `2 · repeats · size³` floating-point operations. */
function slowGraph(size: number, repeats: number) {
  const name = (i: number) => (i === 0 ? 'x' : `x${i}`)
  return handMadeGraph({
    inputs: [{ name: 'x', dtype: 'f32', dims: [size, size] }],
    outputs: [{ name: name(repeats), dtype: 'f32', dims: [size, size] }],
    weights: [{ name: 'w', dtype: 'f32', dims: [size, size] }],
    nodes: Array.from({ length: repeats }, (_, i) => ({
      opType: 'MatMul',
      input: [name(i), 'w'],
      output: [name(i + 1)],
    })),
  })
}

/** How often a 1 ms timer fires until `work` settles. */
async function ticksDuring(work: Promise<unknown>): Promise<number> {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  await work
  clearInterval(timer)
  return ticks
}

/** Worker threads of this process that run. */
function workers(): number {
  const report = z.object({ workers: z.array(z.unknown()) })
  return report.parse(process.report.getReport()).workers.length
}

describe('a session in a worker', () => {
  test('is the default of built code and equals the session of the caller', async () => {
    const x = f32([1, 2], [1, 2])
    const weights = memoryWeights({ w: f32([2, 2], [1, 2, 3, 4]) })
    const session = await openSession(productGraph(2, 2), { weights })
    const { y } = await session.run({ x })
    expect(y).toEqual(f32([1, 2], [7, 10]))
    expect(x.data).toEqual(Float32Array.of(1, 2))
    await session.close()
  })

  test('leaves the event loop free, which a session of the caller blocks', async () => {
    const size = 512
    const graph = slowGraph(size, 100)
    const weights = memoryWeights({ w: f32([size, size], new Float32Array(size * size)) })
    const feeds = { x: f32([size, size], new Float32Array(size * size)) }
    const measured: Record<string, number> = {}
    for (const thread of ['worker', 'caller'] as const) {
      const session = await openSession(graph, { weights, thread, threads: 1 })
      measured[thread] = await ticksDuring(session.run(feeds))
      await session.close()
    }
    expect(measured.worker!).toBeGreaterThan(20)
    expect(measured.caller!).toBeLessThan(measured.worker! / 4)
  })

  test('an abort ends the wait at once and the next run is served', async () => {
    const size = 512
    const session = await openSession(slowGraph(size, 100), {
      weights: memoryWeights({ w: f32([size, size], new Float32Array(size * size)) }),
      threads: 1,
    })
    const feeds = { x: f32([size, size], new Float32Array(size * size)) }
    const controller = new AbortController()
    const run = session.run(feeds, { signal: controller.signal })
    setTimeout(() => controller.abort(), 5)
    await expect(run).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 })
    expect(Object.keys(await session.run(feeds))).toEqual(['x100'])
    await session.close()
  })

  test('errors of the engine keep code, hint and exit code', async () => {
    const opening = openSession(graphOfUnknownOperator, { weights: memoryWeights({}) })
    await expect(opening).rejects.toMatchObject({
      code: 'runtime/engine',
      message: expect.stringContaining('NoSuchOperator'),
      hint: expect.any(String),
      exitCode: 1,
    })
  })

  test('many results, bool and i64 among them, come back as they are', async () => {
    const graph = handMadeGraph({
      inputs: [{ name: 'x', dtype: 'f32', dims: ['n'] }],
      outputs: [
        { name: 'same', dtype: 'f32', dims: ['n'] },
        { name: 'isNan', dtype: 'bool', dims: ['n'] },
        { name: 'shape', dtype: 'i64', dims: [1] },
      ],
      nodes: [
        { opType: 'Identity', input: ['x'], output: ['same'] },
        { opType: 'IsNaN', input: ['x'], output: ['isNan'] },
        { opType: 'Shape', input: ['x'], output: ['shape'] },
      ],
    })
    const session = await openSession(graph, { weights: memoryWeights({}) })
    const results: Record<string, Tensor>[] = []
    for (let n = 1; n <= 20; n++)
      results.push(await session.run({ x: f32([n], new Float32Array(n).fill(n)) }))
    await session.close()
    expect(results[19]).toEqual({
      same: f32([20], new Float32Array(20).fill(20)),
      isNan: { dtype: 'bool', dims: [20], data: new Uint8Array(20) },
      shape: { dtype: 'i64', dims: [1], data: BigInt64Array.of(20n) },
    })
  })

  test('a feed may be a view; only its own elements travel, and it stays whole', async () => {
    const session = await openSession(productGraph(2, 2), {
      weights: memoryWeights({ w: f32([2, 2], new Float32Array([9, 1, 2, 3, 4]).subarray(1)) }),
    })
    const shelf = Float32Array.of(0, 0, 1, 2, 0)
    const { y } = await session.run({ x: f32([1, 2], shelf.subarray(2, 4)) })
    await session.close()
    expect(y).toEqual(f32([1, 2], [7, 10]))
    expect([...shelf]).toEqual([0, 0, 1, 2, 0])
  })

  test('a worker that ends by itself fails the runs that wait and all later ones', async () => {
    const script = join(built.folder, 'dying.js')
    writeFileSync(
      script,
      "import { parentPort } from 'node:worker_threads'\nparentPort.on('message', () => process.exit(7))\nparentPort.postMessage({ id: 0, results: {} })\n",
    )
    const plan = { model: new Uint8Array(), buffers: [], providers: ['cpu'], threads: 1, name: 'tower' }
    const engine = await startWorkerEngine(plan, pathToFileURL(script))
    const error = { code: 'runtime/worker-exit', message: 'the worker of tower ended with code 7' }
    await expect(engine.run({}, [])).rejects.toMatchObject(error)
    await expect(engine.run({}, [])).rejects.toMatchObject(error)
    await engine.close()
  })

  test('close ends the worker', async () => {
    const session = await openSession(productGraph(2, 2), {
      weights: memoryWeights({ w: f32([2, 2], [1, 2, 3, 4]) }),
    })
    expect(workers()).toBe(1)
    await session.close()
    expect(workers()).toBe(0)
    await expect(session.run({ x: f32([1, 2], [1, 2]) })).rejects.toMatchObject({ code: 'runtime/closed' })
  })

  test('a worker that is forgotten does not keep the process alive, nor does it crash it', async () => {
    const model = Buffer.from(
      productGraph(2, 2).encode((slot) => ({ kind: 'inline', tensor: f32(slot.dims, [1, 2, 3, 4]) })),
    )
    const script = `
      import { openSession } from ${JSON.stringify(pathToFileURL(built.file('session')).href)}
      const slot = (name) => ({ name, dtype: 'f32', dims: ['n', 2] })
      const encode = () => new Uint8Array(Buffer.from('${model.toString('base64')}', 'base64'))
      const session = await openSession({ inputs: [slot('x')], outputs: [slot('y')], weights: [], encode }, { weights: { locate() {} } })
      const { y } = await session.run({ x: { dtype: 'f32', dims: [1, 2], data: Float32Array.of(1, 2) } })
      console.log([...y.data].join())`
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script],
      { timeout: 30_000 },
    )
    expect({ stdout, stderr }).toEqual({ stdout: '7,10\n', stderr: '' })
  })
})

test('from source, where no worker file is, asking for one is an error that says what to do', async () => {
  expect(existsSync(new URL('./worker.js', import.meta.url))).toBe(false)
  const { openSession: fromSource } = await import('./session.ts')
  const opening = fromSource(productGraph(2, 2), {
    weights: memoryWeights({ w: f32([2, 2], [1, 2, 3, 4]) }),
    thread: 'worker',
  })
  await expect(opening).rejects.toBeInstanceOf(BifocalError)
  await expect(opening).rejects.toMatchObject({ code: 'runtime/no-worker' })
})
