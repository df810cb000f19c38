/**
 * @file Settings of the hub's client: its address, the cache, the token. They come from the
 * environment variables that Python's huggingface_hub reads too.
 */

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { HubError } from './errors.ts'
import { type Environment, type Transport, transportOf } from './proxy.ts'

export interface HubSettings {
  /** `HF_ENDPOINT`, without a slash at its end. */
  endpoint: string
  /**
   * The cache folder, shared with Python: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
   * `~/.cache/huggingface/hub`.
   */
  cache: string
  /** `HF_TOKEN`, else what `hf auth login` wrote. */
  token: string | undefined
  /** `HF_HUB_OFFLINE`: only the cache is used. */
  offline: boolean
  /** Attempts at a request that fails for a reason that may pass. */
  attempts: number
  /** Milliseconds before the second attempt; they double with each further one. */
  pause: number
  /** Milliseconds without an answer or a further byte after which a connection counts as cut. */
  silence: number
  /** How requests are sent: `fetch`, or by a proxy. */
  transport: Transport
}

/** The longest `Retry-After` that is waited for, in ms. The user decides about a longer one. */
export const LONGEST_PAUSE = 120_000

/**
 * Reads the settings from the environment.
 * @throws HubError `hub/proxy`, `hub/endpoint`, `hub/token-form`
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
export async function hubSettings(env: Environment = process.env): Promise<HubSettings> {
  const home = expanded(
    env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'),
    env,
  )
  return {
    endpoint: endpointIn(env),
    cache: expanded(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub'), env),
    token:
      tokenIn('HF_TOKEN', env.HF_TOKEN) ??
      tokenIn('HUGGING_FACE_HUB_TOKEN', env.HUGGING_FACE_HUB_TOKEN) ??
      (await tokenFile(expanded(env.HF_TOKEN_PATH || join(home, 'token'), env))),
    offline: [env.HF_HUB_OFFLINE, env.TRANSFORMERS_OFFLINE].some((value) =>
      /^(1|on|yes|true)$/i.test(value ?? ''),
    ),
    attempts: 5,
    pause: 500,
    silence: 30_000,
    transport: await transportOf(env),
  }
}

/** Expands `~` and `$NAME` as Python does. */
function expanded(path: string, env: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, homedir())
    .replace(/\$\{(\w+)\}|\$(\w+)/g, (all, braced, bare) => env[braced ?? bare] ?? all)
}

async function tokenFile(path: string): Promise<string | undefined> {
  return tokenIn(path, await readFile(path, 'utf8').catch(() => ''))
}

/**
 * Checks a token. `fetch` would refuse one that no header can carry with the token in its message;
 * the error here does not show it.
 */
function tokenIn(place: string, value = ''): string | undefined {
  const token = value.trim()
  if (/^[!-~]*$/.test(token)) return token || undefined
  throw new HubError('token-form', {
    message: `the token in ${place} holds a space, a line break or another character that no token has (${token.length} characters)`,
    hint: `Set ${place} to the token alone, on one line: hf_ and letters and digits.`,
  })
}

function endpointIn({ HF_ENDPOINT: given }: Environment): string {
  const endpoint = (given || 'https://huggingface.co').replace(/\/+$/, '')
  if (URL.canParse(endpoint) && /^https?:/i.test(endpoint)) return endpoint
  throw new HubError('endpoint', {
    message: `HF_ENDPOINT=${given} is not the address of a hub`,
    hint: 'Write https://HOST, or unset it for https://huggingface.co.',
  })
}
