/** @file What is piped into a command. */

import type { Readable } from 'node:stream'
import { InterruptedError } from '../numeric/errors.ts'

/** The text of a stream as it comes. Ends with the signal too: nobody should have to close stdin to leave. @throws InterruptedError */
export async function* piecesOf(stream: Readable, signal: AbortSignal): AsyncGenerator<string> {
  // Pressed while the library was loading: a signal that has fired fires no more.
  if (signal.aborted) throw new InterruptedError('reading stdin')
  const stop = () => stream.destroy(new InterruptedError('reading stdin'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    // Characters that two chunks share come whole.
    const pieces: AsyncIterable<string> = stream.setEncoding('utf8')
    yield* pieces
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
