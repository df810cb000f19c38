/** @file Settings of a source of pairs. */

import { z } from 'zod'

/** One instruction, or paraphrases of it: one is drawn for each row. */
const instruction = z.union([z.string(), z.array(z.string()).min(1)])

export const dataSettings = z.strictObject({
  /** A file or folder of pairs. */
  path: z.string().min(1),
  /** Names the source in logs; by default the path's last part. */
  name: z.string().min(1).nullable().default(null),
  /** By default found by the path's ending and content. */
  format: z.enum(['jsonl', 'csv', 'parquet', 'folder', 'mmeb', 'swift']).nullable().default(null),
  /** Share of sub-batches, relative to the other sources'. */
  weight: z.number().positive().default(1),
  /** The first rows only. */
  limit: z.int().min(1).nullable().default(null),
  /** For queries, instead of their own. */
  instruction: instruction.nullable().default(null),
  /** For targets and hard negatives, instead of their own. */
  targetInstruction: instruction.nullable().default(null),
  /** Folder, or zip file, that paths of pictures are relative to; by default the file's. */
  images: z.string().min(1).nullable().default(null),
})

export type DataSettings = z.output<typeof dataSettings>
