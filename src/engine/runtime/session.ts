/** @file Sessions: a compiled graph with its weights, ready to run on a device. */

import { existsSync } from 'node:fs'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { CompiledGraph, FeedSlot } from '../graph/compiled.ts'
import { type Device, executionProviders, hasFusedOperators, takesHalves } from './devices.ts'
import { crossesBorder, type Engine, startEngine } from './engine.ts'
import { RuntimeError } from './errors.ts'
import { checkFeeds } from './feeds.ts'
import { type MemoryMode, placeWeights } from './placement.ts'
import { sumsSignedExactly } from './signed-sums.ts'
import { defaultThreads } from './threads.ts'
import { locateWeights, type WeightSource } from './weights.ts'
import { startWorkerEngine } from './worker-engine.ts'

export interface SessionOptions {
  weights: WeightSource
  /** Default `cpu`. */
  device?: Device
  /**
   * Threads within one operator; default: `BIFOCAL_THREADS`, else as many as the machine runs at
   * once. Runs with the same number of threads give the same bytes.
   */
  threads?: number
  /** Default `fast`. */
  memory?: MemoryMode
  /**
   * The thread of the engine: `worker` leaves this thread's event loop free, `caller` blocks it.
   * Default: `worker` in built code.
   */
  thread?: 'worker' | 'caller'
  /** Names the session in messages. */
  name?: string
  /**
   * Total weight-file size in bytes from which files are mapped instead of read; default 64 MiB.
   */
  readLimit?: number
  /** Called with words for the user though nothing failed, e.g. when weights had to be copied. */
  warn?: (message: string) => void
}

export interface RunOptions {
  /** Names of the results to compute; default all. */
  outputs?: readonly string[]
  /**
   * Ends the wait for a run. The engine still finishes a run that it has begun; the results are
   * dropped.
   */
  signal?: AbortSignal
}

/**
 * A graph on a device. A session that is closed leaves some native memory behind (ONNX Runtime
 * 1.30): open few, keep them, vary the feeds. A session does one run at a time.
 */
export interface Session {
  readonly inputs: readonly FeedSlot[]
  readonly outputs: readonly FeedSlot[]
  /**
   * @param feeds one array for each input; those fed to a worker are cloned
   * @throws RuntimeError `runtime/feeds`, `runtime/output-name`, `runtime/closed` and what the
   *   engine reports; InterruptedError
   */
  run(feeds: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<Record<string, Tensor>>
  /** Frees the engine (and ends its worker). Closing twice is allowed. */
  close(): Promise<void>
}

/**
 * The worker's entry lies beside this module in built code, but not where a test runs the sources.
 */
const WORKER_ENTRY = new URL('./worker.js', import.meta.url)

/**
 * Opens a session.
 * @example
 * const weights = memoryWeights({ w: f32([2, 2], [1, 2, 3, 4]) })
 * const session = await openSession(compiled, { weights })
 * const { y } = await session.run({ x: f32([1, 2], [1, 1]) })
 * await session.close()
 * @throws RuntimeError `runtime/weights`, `runtime/dtype`, `runtime/staging`, `runtime/no-cuda`,
 *   `runtime/no-adapter`, `runtime/no-worker`, `runtime/threads`
 */
export async function openSession(graph: CompiledGraph, options: SessionOptions): Promise<Session> {
  const { device = 'cpu', memory = 'fast', name = 'session' } = options
  const providers = executionProviders(device)
  checkBorder(graph)
  const placed = await placeWeights(graph, locateWeights(graph, options.weights), {
    memory,
    halves: takesHalves(device),
    fused: hasFusedOperators(device),
    signedWeights: graph.weights.every(({ form }) => form !== 'int8') || (await sumsSignedExactly()),
    readLimit: options.readLimit,
    warn: options.warn,
  })
  try {
    const plan = {
      model: placed.model,
      buffers: placed.buffers,
      providers,
      threads: options.threads ?? defaultThreads(),
      name,
    }
    const engine = await (livesInWorker(options.thread)
      ? startWorkerEngine(plan, WORKER_ENTRY)
      : startEngine(plan))
    return sessionOver(engine, graph, name)
  } finally {
    await placed.settle()
  }
}

function livesInWorker(thread: SessionOptions['thread']): boolean {
  const built = existsSync(WORKER_ENTRY)
  if (thread === 'worker' && !built) {
    throw new RuntimeError('no-worker', {
      message: `the worker's entry ${WORKER_ENTRY.pathname} is absent`,
      hint: 'Build the package first: npm run build.',
    })
  }
  return thread === undefined ? built : thread === 'worker'
}

function checkBorder({ inputs, outputs }: CompiledGraph): void {
  for (const { name, dtype } of [...inputs, ...outputs]) {
    if (crossesBorder(dtype)) continue
    throw new RuntimeError('dtype', {
      message: `${name} is ${dtype}, which ONNX Runtime can't pass to or from JavaScript`,
      hint: 'Cast it inside the graph: inputs and outputs may be f32, f16, i64, i32, i8, u8 or bool.',
    })
  }
}

function sessionOver(engine: Engine, { inputs, outputs }: CompiledGraph, name: string): Session {
  let closing: Promise<void> | undefined
  return {
    inputs,
    outputs,
    async run(feeds, { outputs: wanted = outputs.map((output) => output.name), signal } = {}) {
      if (closing !== undefined) {
        throw new RuntimeError('closed', {
          message: `${name} was closed`,
          hint: 'Open a new session, or close this one later.',
        })
      }
      checkFeeds(inputs, feeds)
      checkNames(wanted, outputs)
      return interruptible(signal, name, () => engine.run({ ...feeds }, wanted))
    },
    close() {
      closing ??= engine.close()
      return closing
    },
  }
}

function checkNames(wanted: readonly string[], outputs: readonly FeedSlot[]): void {
  const unknown = wanted.filter((name) => !outputs.some((output) => output.name === name))
  if (unknown.length === 0) return
  throw new RuntimeError('output-name', {
    message: `no output is called ${unknown.join(', ')}`,
    hint: `The outputs are ${outputs.map((output) => output.name).join(', ')}.`,
  })
}

/** Rejects as soon as `signal` fires, though the work goes on. */
async function interruptible<T>(
  signal: AbortSignal | undefined,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work()
  if (signal.aborted) throw new InterruptedError(what, signal)
  let interrupt = () => {}
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new InterruptedError(what, signal))
    signal.addEventListener('abort', interrupt, { once: true })
  })
  try {
    return await Promise.race([work(), interrupted])
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}
