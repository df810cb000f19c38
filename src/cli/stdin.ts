/** @file Bytes that are piped into a command. */

import type { Readable } from 'node:stream'
import { InterruptedError } from '../foundation/numeric/errors.ts'

/**
 * The bytes of a stream as they come. Ends with the signal too: nobody should have to close stdin
 * to leave.
 * @throws InterruptedError
 */
export async function* piecesOf(stream: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // Pressed while the library was loading: a signal that has fired fires no more.
  if (signal.aborted) throw new InterruptedError('reading the items', signal)
  const stop = () => stream.destroy(new InterruptedError('reading the items', signal))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const pieces: AsyncIterable<Uint8Array> = stream
    yield* pieces
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
