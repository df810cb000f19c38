/**
 * @file The body of an answer as it comes, with an end to silence, and for lists to time and size.
 */

import { addAbortSignal, Readable } from 'node:stream'
import { HubError } from './errors.ts'
import { strange } from './refusal.ts'
import { anyOf } from './request.ts'
import type { HubSettings } from './settings.ts'

export interface BodyOptions {
  settings: HubSettings
  signal?: AbortSignal
}

/**
 * Yields the bytes of a body.
 * @throws an `AbortError` after `settings.silence` ms without a byte, and when `signal` fires
 */
export async function* bodyOf(
  { body }: Response,
  { settings, signal }: BodyOptions,
): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), settings.silence)
  try {
    for await (const chunk of addAbortSignal(anyOf(silence.signal, signal), Readable.fromWeb(body))) {
      timer.refresh()
      yield chunk
      timer.refresh()
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Bytes of a text, unpacked. A list of 300,000 files with checksums has about 90 MB. */
const LONGEST_TEXT = 2 ** 28

/** A text that comes drop by drop may take this many times as long as a silence. */
const PATIENCE = 4

/**
 * A whole body as text.
 * @param what to call it in an error
 * @throws HubError `hub/answer` for a text without end, `hub/unreachable` for one that comes too
 *   slowly; those of `bodyOf`
 */
export async function textOf(response: Response, what: string, options: BodyOptions): Promise<string> {
  const { settings } = options
  const start = performance.now()
  const decoder = new TextDecoder()
  const parts: string[] = []
  let size = 0
  for await (const chunk of bodyOf(response, options)) {
    size += chunk.length
    if (size > LONGEST_TEXT) throw strange(what, `more than ${LONGEST_TEXT / 2 ** 20} MiB`, settings)
    if (performance.now() - start > PATIENCE * settings.silence) throw tooSlow(what, size, settings)
    parts.push(decoder.decode(chunk, { stream: true }))
  }
  return parts.join('') + decoder.decode()
}

function tooSlow(what: string, size: number, { endpoint, silence }: HubSettings): HubError {
  return new HubError('unreachable', {
    message: `${endpoint}: ${what} did not end within ${(PATIENCE * silence) / 1000} s; ${size} bytes came`,
    hint: 'Check the network and HF_ENDPOINT, and run the same command again.',
  })
}
