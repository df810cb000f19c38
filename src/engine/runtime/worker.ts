/**
 * @file Entry of the worker thread: runs one engine, which blocks this thread's event loop and no
 * other.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { type Engine, type EnginePlan, startEngine } from './engine.ts'
import { recordOf } from './errors.ts'
import { buffersOf, type WorkerAnswer, type WorkerRequest } from './worker-messages.ts'

function answer(message: WorkerAnswer): void {
  parentPort?.postMessage(message, 'results' in message ? buffersOf(message.results) : [])
}

async function answered(id: number, work: () => Promise<WorkerAnswer>): Promise<void> {
  try {
    answer(await work())
  } catch (error) {
    answer({ id, error: recordOf(error) })
  }
}

function serve(engine: Engine): void {
  parentPort?.on('message', (request: WorkerRequest) => {
    const { id } = request
    if (request.kind === 'run')
      void answered(id, async () => ({ id, results: await engine.run(request.feeds, request.outputs) }))
    else
      void answered(id, async () => engine.close().then(() => ({ id, results: {} }))).then(() =>
        parentPort?.close(),
      )
  })
}

void answered(0, async () => {
  serve(await startEngine(workerData as EnginePlan))
  return { id: 0, results: {} }
})
