/** @file Settings of a contract that only LaViDa and LLaDA-V have. */

import { z } from 'zod'

export const lavidaSettings = z.strictObject({
  /** Loses the token after each picture as the reference's inference does: see `promptIds`. */
  dropTokenAfterImage: z.boolean().optional(),
})

export type LavidaSettings = z.infer<typeof lavidaSettings>
