/** @file What is piped into a command. */

import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { InterruptedError } from '../numeric/errors.ts'

/** All text of a stream. Ends with the signal too: nobody should have to close stdin to leave. @throws InterruptedError */
export async function textOf(stream: Readable, signal: AbortSignal): Promise<string> {
  // Pressed while the library was loading: a signal that has fired fires no more.
  if (signal.aborted) throw new InterruptedError('reading stdin')
  const stop = () => stream.destroy(new InterruptedError('reading stdin'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await text(stream)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
