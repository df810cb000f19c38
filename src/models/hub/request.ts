/** @file One request to the hub: redirects, tokens, and repetition of what may pass. */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { HubError } from './errors.ts'
import { pause } from './pause.ts'
import { type Asked, refusal, strange } from './refusal.ts'
import { type HubSettings, LONGEST_PAUSE } from './settings.ts'

export interface RequestOptions {
  asked: Asked
  settings: HubSettings
  method?: 'GET' | 'HEAD'
  headers?: Readonly<Record<string, string>>
  /** Status codes from 400 that are an answer to `read` too, instead of a refusal. */
  takes?: readonly number[]
  signal?: AbortSignal
}

const MOST_REDIRECTS = 10
/** Passing troubles of servers and gateways. */
const PASSING = [408, 429, 500, 502, 503, 504]

/**
 * Sends a request until it succeeds or fails for good. `HEAD` stops at the redirect to the storage,
 * whose headers describe the file.
 * @param read what to keep of a success; a connection that breaks meanwhile is a failed attempt too
 * @throws HubError what `refusal` makes of the answer; `hub/unreachable`; InterruptedError
 */
export async function ask<T>(
  url: string,
  options: RequestOptions,
  read: (response: Response) => T | Promise<T>,
): Promise<T> {
  const { asked, settings, takes = [], signal } = options
  const what = `the request for ${asked.file ?? asked.repository.id}`
  for (let attempt = 1; ; attempt++) {
    let wait = settings.pause * 2 ** (attempt - 1)
    try {
      const response = await follow(url, options)
      if (response.status < 400 || takes.includes(response.status)) return await read(response)
      await response.body?.cancel()
      wait = retryAfter(response) ?? wait
      const passes = PASSING.includes(response.status) && attempt < settings.attempts && wait <= LONGEST_PAUSE
      if (!passes) throw refusal(response, asked, settings)
    } catch (cause) {
      if (signal?.aborted) throw new InterruptedError(what, signal)
      if (cause instanceof HubError) throw cause
      if (attempt >= settings.attempts) throw unreachable(settings, cause)
    }
    await pause(wait, what, signal)
  }
}

/**
 * Redirects by hand: the token is for the hub only, and a `HEAD` wants the headers of the last
 * answer before the storage.
 */
async function follow(
  url: string,
  { asked, settings, method = 'GET', headers, signal }: RequestOptions,
): Promise<Response> {
  let at = new URL(url)
  const home = at.origin
  for (let count = 0; count < MOST_REDIRECTS; count++) {
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), settings.silence)
    const authorization: Record<string, string> =
      at.origin === home && settings.token ? { authorization: `Bearer ${settings.token}` } : {}
    const response = await settings
      .transport(at, {
        method,
        redirect: 'manual',
        // Compressed, the length would be another one, and ranges meaningless.
        headers: { 'user-agent': 'bifocal', 'accept-encoding': 'identity', ...headers, ...authorization },
        signal: anyOf(silence.signal, signal),
      })
      .finally(() => clearTimeout(timer))
    const location = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || location === null) return response
    if (method === 'HEAD' && (response.headers.has('x-linked-etag') || new URL(location, at).origin !== home))
      return response
    await response.body?.cancel()
    at = new URL(location, at)
  }
  throw strange(asked.file ?? asked.repository.id, `more than ${MOST_REDIRECTS} redirects`, settings)
}

/** Fires with either. */
export function anyOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other])
}

/** `Retry-After` in ms: seconds or a date. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** @param cause what `fetch` or a broken body threw */
export function unreachable({ endpoint, attempts }: HubSettings, cause: unknown): HubError {
  return new HubError('unreachable', {
    message: `${endpoint} can't be reached, or its connections break: ${reason(cause)}, ${attempts} times in a row`,
    hint: 'Check the network, HF_ENDPOINT, HTTPS_PROXY and, behind a proxy that inspects TLS, NODE_EXTRA_CA_CERTS. Run the same command again: it goes on where it stopped.',
    cause,
  })
}

/** `fetch failed` says nothing; its cause does. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // What a proxy refuses has the name of an abort too, and says more.
  if (cause.name === 'AbortError' && !cause.message.startsWith('Proxy')) return 'no answer in time'
  return cause.cause === undefined ? cause.message : reason(cause.cause)
}
