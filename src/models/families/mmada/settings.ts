/** @file What a contract may say about MMaDA alone. */

import { z } from 'zod'

export const mmadaSettings = z.strictObject({
  /** How a picture becomes a square; default as the config says, else `crop`. */
  imageFit: z.enum(['crop', 'squash', 'pad']).optional(),
})

export type MmadaSettings = z.infer<typeof mmadaSettings>
