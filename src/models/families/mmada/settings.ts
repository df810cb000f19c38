/** @file Settings of a contract that only MMaDA has. */

import { z } from 'zod'

export const mmadaSettings = z.strictObject({
  /** How a picture becomes a square; default as the config says, else `crop`. */
  imageFit: z.enum(['crop', 'squash', 'pad']).optional(),
})

export type MmadaSettings = z.infer<typeof mmadaSettings>
