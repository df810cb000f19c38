/** @file Errors of tokenizers and chat templates. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A tokenizer or chat template that is absent, damaged or of an unknown kind; exit code 3. Codes:
 * see docs/errors.md, `text/…`.
 */
export class TextError extends roomError('text', {
  'chat-messages': 3,
  'chat-template': 3,
  'no-tokenizer': 3,
  pattern: 3,
  tokenizer: 3,
  'tokenizer-class': 3,
  'vocabulary-size': 3,
}) {}
