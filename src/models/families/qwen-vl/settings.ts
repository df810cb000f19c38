/** @file Settings of a contract that only Qwen's families have. */

import { z } from 'zod'

export const qwenSettings = z.strictObject({
  /**
   * Which pictures get positions in rows and columns (M-RoPE). `reference` (default): as
   * transformers 4 counts them, by their `<|vision_start|>`; `grid`: all, as transformers 5 does;
   * `plain`: none.
   */
  mropeMode: z.enum(['reference', 'grid', 'plain']).optional(),
})

export type QwenSettings = z.infer<typeof qwenSettings>
