/** @file The form of an interval in results.json. */

import { z } from 'zod'

/** A point estimate with its 95 % bootstrap interval; `low ≤ high`. */
export const intervalSchema = z
  .strictObject({ value: z.number(), low: z.number(), high: z.number() })
  .refine(({ low, high }) => low <= high, { message: 'low must not exceed high' })
