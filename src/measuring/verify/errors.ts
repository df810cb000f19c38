/** @file Errors of verification. A difference from the reference is none: the report says it. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A fixture that can't be compared: an input of a case is missing, or its model is not of the kind
 * that it needs. Code: `verify/fixture`.
 */
export class VerifyError extends roomError('verify', { fixture: 3 }) {}
