/** @file An engine in a worker thread, for the thread that uses it. */

import { Worker } from 'node:worker_threads'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { Engine, EnginePlan } from './engine.ts'
import { errorOf, RuntimeError } from './errors.ts'
import { buffersOf, type WorkerAnswer, type WorkerRequest } from './worker-messages.ts'

interface Waiting {
  resolve(results: Record<string, Tensor>): void
  reject(error: unknown): void
}

/**
 * Copies a tensor, to move the copy into the worker. A clone of a view would bring its whole
 * buffer.
 */
function detached({ dtype, dims, data }: Tensor): Tensor {
  return { dtype, dims, data: data.slice() }
}

/**
 * Starts a worker with the entry `entry`, and an engine in it. Feeds are copied into the worker,
 * results are moved out of it. The worker keeps the process alive only while a run has no answer.
 * @throws RuntimeError with the code that the engine in the worker gave; `runtime/worker-exit` when
 *   the worker ends by itself
 */
export async function startWorkerEngine(plan: EnginePlan, entry: URL): Promise<Engine> {
  const buffers = plan.buffers.map(({ location, source }) => ({
    location,
    source: typeof source === 'string' ? source : source.slice(),
  }))
  const worker = new Worker(entry, {
    workerData: { ...plan, buffers } satisfies EnginePlan,
    transferList: buffers.flatMap(({ source }) => (typeof source === 'string' ? [] : [source.buffer])),
    name: plan.name,
    // The worker gets none of this process's flags: `--input-type`, for example, would end it.
    execArgv: [],
  })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let end: RuntimeError | undefined

  function owed(id: number): Promise<Record<string, Tensor>> {
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.ref()
    })
  }
  function settle(id: number, how: (waiter: Waiting) => void): void {
    const waiter = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
    if (waiter !== undefined) how(waiter)
  }
  function ask(requestOf: (id: number) => WorkerRequest): Promise<Record<string, Tensor>> {
    if (end !== undefined) return Promise.reject(end)
    lastId += 1
    const answer = owed(lastId)
    const request = requestOf(lastId)
    worker.postMessage(request, request.kind === 'run' ? buffersOf(request.feeds) : [])
    return answer
  }
  function ended(message: string, cause?: unknown): void {
    end ??= new RuntimeError('worker-exit', {
      message,
      hint: 'Memory may have run out: lower the batch size, or use memory low (--memory low).',
      cause,
    })
    for (const id of [...waiting.keys()]) settle(id, ({ reject }) => reject(end))
  }

  worker.on('message', (message: WorkerAnswer) =>
    settle(message.id, ({ resolve, reject }) =>
      'results' in message ? resolve(message.results) : reject(errorOf(message.error)),
    ),
  )
  worker.on('error', (cause) =>
    ended(`the worker of ${plan.name} failed: ${cause instanceof Error ? cause.message : cause}`, cause),
  )
  worker.on('exit', (code) => ended(`the worker of ${plan.name} ended with code ${code}`))

  try {
    await owed(0)
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return {
    run(feeds, outputs) {
      const copies = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, detached(value)]))
      return ask((id) => ({ kind: 'run', id, feeds: copies, outputs }))
    },
    async close() {
      if (end === undefined) await ask((id) => ({ kind: 'close', id }))
      await worker.terminate()
    },
  }
}
