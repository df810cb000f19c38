/** @file Sends one request to the hub: follows redirects, adds the token, tries again. */

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
  /** Status codes from 400 that `read` takes too, instead of a refusal. */
  takes?: readonly number[]
  signal?: AbortSignal
}

const MOST_REDIRECTS = 10
/** Status codes of troubles that may pass. */
const PASSING = [408, 429, 500, 502, 503, 504]

/**
 * Sends a request until it succeeds or fails for good. `HEAD` stops at the redirect to the storage,
 * whose headers describe the file.
 * @param read takes from a success what the caller needs; a connection that breaks while it reads
 *   is a failed attempt too
 * @throws HubError of `refusal`, and `hub/unreachable`; InterruptedError
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
 * Follows redirects itself, not by `fetch`: only the hub may see the token, and a `HEAD` wants the
 * headers of the last answer before the storage.
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
        // A compressed body has another length, and ranges of it mean nothing.
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

/** A signal that fires with either. */
export function anyOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other])
}

/** `Retry-After`, which gives seconds or a date, in ms. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** @param cause the error of `fetch` or of a broken body */
export function unreachable({ endpoint, attempts }: HubSettings, cause: unknown): HubError {
  return new HubError('unreachable', {
    message: `${endpoint} can't be reached, or its connections break: ${reason(cause)}, ${attempts} times in a row`,
    hint:
      'Check the network, HF_ENDPOINT, HTTPS_PROXY and, behind a proxy that inspects TLS, ' +
      'NODE_EXTRA_CA_CERTS. Run the same command again: it goes on where it stopped.',
    cause,
  })
}

/** The reason in words. `fetch failed` says nothing, but its cause does. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // The refusal of a proxy is called an abort too, but its message says more.
  if (cause.name === 'AbortError' && !cause.message.startsWith('Proxy')) return 'no answer in time'
  return cause.cause === undefined ? cause.message : reason(cause.cause)
}
