/** @file What a contract may say about LaViDa, and LLaDA-V, alone. */

import { z } from 'zod'

export const lavidaSettings = z.strictObject({
  /** Loses the token after each picture as the reference's inference does: see `promptIds`. */
  dropTokenAfterImage: z.boolean().optional(),
})

export type LavidaSettings = z.infer<typeof lavidaSettings>
