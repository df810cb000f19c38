/** @file An engine that lives in a worker thread, seen from the thread that uses it. */

import { Worker } from 'node:worker_threads'
import type { Tensor } from '../numeric/tensor.ts'
import type { Engine, EnginePlan } from './engine.ts'
import { errorOf, RuntimeError } from './errors.ts'
import type { WorkerAnswer, WorkerRequest } from './worker-messages.ts'

interface Waiting {
  resolve(results: Record<string, Tensor>): void
  reject(error: Error): void
}

/**
 * Starts a worker whose entry is `entry` and an engine in it. Feeds are cloned into the worker, results are moved out of it.
 * The worker keeps the process alive only while it owes an answer.
 * @throws RuntimeError with the code that the engine in the worker gave; `runtime/worker-exit` when the worker ends by itself
 */
export async function startWorkerEngine(plan: EnginePlan, entry: URL): Promise<Engine> {
  // The flags of this process are not for the worker: `--input-type`, say, would end it.
  const worker = new Worker(entry, { workerData: plan, name: plan.name, execArgv: [] })
  const waiting = new Map<number, Waiting>()
  let lastId = 0

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
  function ask(request: { kind: 'run'; feeds: Record<string, Tensor>; outputs: readonly string[] } | { kind: 'close' }) {
    lastId += 1
    const answer = owed(lastId)
    worker.postMessage({ ...request, id: lastId } satisfies WorkerRequest)
    return answer
  }
  function failAll(message: string, cause?: unknown): void {
    for (const id of [...waiting.keys()]) {
      settle(id, ({ reject }) =>
        reject(
          new RuntimeError('worker-exit', { message, hint: 'Memory may have run out: lower the batch size, or use --memory low.', cause }),
        ),
      )
    }
  }

  worker.on('message', (message: WorkerAnswer) =>
    settle(message.id, ({ resolve, reject }) => ('results' in message ? resolve(message.results) : reject(errorOf(message.error)))),
  )
  worker.on('error', (cause) => failAll(`the worker of ${plan.name} failed: ${cause instanceof Error ? cause.message : cause}`, cause))
  worker.on('exit', (code) => failAll(`the worker of ${plan.name} ended with code ${code}`))

  try {
    await owed(0)
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return {
    run: (feeds, outputs) => ask({ kind: 'run', feeds, outputs }),
    async close() {
      await ask({ kind: 'close' })
      await worker.terminate()
    },
  }
}
