/** @file Turns a hub's refusals into errors that tell the user what to do. */

import { HubError } from './errors.ts'
import { addressOf, isCommit, type Repository } from './repository.ts'
import type { HubSettings } from './settings.ts'

/** The object of a request. */
export interface Asked {
  repository: Repository
  /** A file; absent for the list of the repository's files. */
  file?: string
}

/**
 * Makes the error for a final answer. The hub answers 401 both for a repository that does not exist
 * and for one that the user may not see; `X-Error-Code` tells them apart.
 * @see huggingface_hub, `hf_raise_for_status`
 */
export function refusal(response: Response, { repository, file }: Asked, settings: HubSettings): HubError {
  const { id, revision, kind } = repository
  const noun = kind === undefined ? 'model' : 'data set'
  const { status } = response
  const code = response.headers.get('x-error-code')
  const said = response.headers.get('x-error-message')
  const page = `${settings.endpoint}/${addressOf(repository)}`
  const login = `create a token at ${settings.endpoint}/settings/tokens and set HF_TOKEN (or run \`hf auth login\`)`
  const known = settings.token !== undefined
  if (code === 'GatedRepo') {
    return new HubError('gated', {
      message: `${id} is gated: ${known ? 'the account of your token has not been let in' : 'it is given to known users only, and no token is set'} (HTTP ${status})`,
      hint: `Accept its conditions at ${page}, then ${known ? 'try again with a token of that account' : login}.`,
    })
  }
  if (status === 401 && (known || said?.startsWith('Invalid credentials'))) {
    return new HubError('token', {
      message: `${settings.endpoint} does not accept the token, or shows ${id} to others only (HTTP 401)`,
      hint: `Check the name; if it is right, ${login}: it may have expired.`,
    })
  }
  if (code === 'RevisionNotFound') {
    return new HubError('no-revision', {
      message: `${id} has no revision ${revision}`,
      hint: isCommit(revision)
        ? 'Is the commit of this repository?'
        : `Its branches and tags are listed at ${page}/refs.`,
    })
  }
  if (code === 'EntryNotFound' || (status === 404 && code === null && file !== undefined)) {
    return new HubError('no-file', {
      message: `${id} has no file ${file ?? ''} at revision ${revision}`,
      hint: `Its files are listed at ${page}/tree/${revision}.`,
    })
  }
  if (status === 401 || status === 404) {
    return new HubError('no-repository', {
      message: `${settings.endpoint} has no ${noun} ${id}${known ? '' : ', or it is private'} (HTTP ${status})${kind === undefined ? ', and there is no folder of that name' : ''}`,
      hint: `Check the name${known ? '' : `; for a private ${noun} ${login}`}.`,
    })
  }
  if (status === 403) {
    return new HubError('forbidden', {
      message: `${id}: access is refused${said === null ? '' : `: ${said}`} (HTTP 403)`,
      hint: 'Does your token have the right to read this repository? Fine-grained tokens need it for each organisation.',
    })
  }
  if (status === 429) {
    const seconds = response.headers.get('retry-after')
    return new HubError('rate-limit', {
      message: `${settings.endpoint} refuses further requests for now (HTTP 429${seconds === null ? '' : `, Retry-After: ${seconds}`})`,
      hint: `Wait and run the same command again: it goes on where it stopped.${known ? '' : ' With HF_TOKEN set the limit is higher.'}`,
    })
  }
  if (status >= 500) {
    return new HubError('unavailable', {
      message: `${settings.endpoint} answers with HTTP ${status}, after ${settings.attempts} attempts`,
      hint: 'Run the same command again later: it goes on where it stopped.',
    })
  }
  return strange(
    `${file ?? 'the list of files'} of ${id}`,
    `HTTP ${status}${said === null ? '' : `: ${said}`}`,
    settings,
  )
}

/** Makes the error for an answer that no hub gives. */
export function strange(what: string, got: string, { endpoint }: HubSettings): HubError {
  return new HubError('answer', {
    message: `${endpoint}: an unexpected answer for ${what}: ${got}`,
    hint: 'Is HF_ENDPOINT the address of a Hugging Face hub, and does no proxy or login page answer in its place?',
  })
}
