/** @file The messages between the thread of a session and its worker. */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { ErrorRecord } from './errors.ts'

/**
 * To the worker, which was started with an `EnginePlan` as its `workerData`. Each request is
 * answered once, in order.
 */
export type WorkerRequest =
  | { kind: 'run'; id: number; feeds: Record<string, Tensor>; outputs: readonly string[] }
  | { kind: 'close'; id: number }

/** From the worker; `id` 0 answers the start. */
export type WorkerAnswer =
  | { id: number; results: Record<string, Tensor> }
  | { id: number; error: ErrorRecord }

/**
 * The buffers of tensors, each once: they are moved from thread to thread instead of copied.
 */
export function buffersOf(tensors: Readonly<Record<string, Tensor>>): ArrayBuffer[] {
  return [...new Set(Object.values(tensors).map(({ data }) => data.buffer))].filter(
    (buffer) => buffer instanceof ArrayBuffer,
  )
}
