/** @file Errors of the Hugging Face Hub: of names, answers and downloads. */

import { printable } from '../../foundation/files/printable.ts'
import { type ErrorDetails, roomError } from '../../foundation/numeric/errors.ts'

const codes = {
  answer: 3,
  checksum: 3,
  endpoint: 2,
  forbidden: 3,
  gated: 3,
  name: 2,
  'no-file': 3,
  'no-match': 2,
  'no-model': 3,
  'no-repository': 3,
  'no-revision': 3,
  'no-space': 1,
  'no-weights': 3,
  offline: 3,
  pickled: 3,
  proxy: 2,
  'rate-limit': 1,
  token: 3,
  'token-form': 2,
  unavailable: 1,
  unreachable: 1,
} as const

/**
 * A model cannot be taken from the hub or its cache. Codes: see docs/errors.md, `hub/…`. Messages
 * hold words of a server, so characters that steer a terminal are escaped.
 */
export class HubError extends roomError('hub', codes) {
  constructor(code: keyof typeof codes, { message, hint, cause }: ErrorDetails) {
    super(code, { message: printable(message), hint: printable(hint), cause })
  }
}
