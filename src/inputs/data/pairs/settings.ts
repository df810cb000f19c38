/** @file Settings of one source of pairs: `data` in a tuning's settings. */

import { z } from 'zod'
import { PAIR_FIELDS } from './fields.ts'

/** How the rows of a source are written. */
export const PAIR_FORMATS = ['jsonl', 'csv', 'tsv', 'parquet', 'folder', 'mmeb', 'swift'] as const

const instruction = z.union([z.string(), z.array(z.string()).min(1)])
const column = z.union([z.string(), z.array(z.string()).min(1)])

/** The settings of one source of pairs. */
export const dataSettings = z.strictObject({
  /** A file, or a folder. */
  path: z.string().min(1),
  /** Unique within a run. Null: the name of the file or folder. */
  name: z.string().min(1).nullable().default(null),
  /** Null: by the path's ending, or by what is in the folder. */
  format: z.enum(PAIR_FORMATS).nullable().default(null),
  /** Share of batches, relative to the other sources. */
  weight: z.number().positive().default(1),
  /** Pairs at most: the first ones of the file. */
  limit: z.int().min(1).nullable().default(null),
  /** For queries that bring none. Of a list one is drawn for each row, by the seed. */
  instruction: instruction.nullable().default(null),
  /** The same for targets and negatives. */
  targetInstruction: instruction.nullable().default(null),
  /** The folder, or zip archive, of pictures that rows name by path. Null: the file's folder. */
  images: z.string().min(1).nullable().default(null),
  /**
   * The names of the source for the parts of a pair. Where one is named, only named ones are used.
   */
  columns: z.partialRecord(z.enum(PAIR_FIELDS), column).default({}),
  /** Of an MMEB-train folder: `original`, or `diverse_instruction` for paraphrased instructions. */
  split: z.string().min(1).default('original'),
  /** Of an MMEB-train folder: its subsets, each a source of its own. Null: all. */
  subsets: z.array(z.string().min(1)).min(1).nullable().default(null),
  /** Between the cells of a .csv or .tsv file. Null: a comma, or a tab. */
  delimiter: z.string().length(1).nullable().default(null),
  /** Around such cells. Null: quotes are ordinary characters. */
  quote: z.string().length(1).nullable().default('"'),
})

export type DataSettings = z.output<typeof dataSettings>

/** The same as a caller gives them: only the path is needed. */
export type GivenPairs = z.input<typeof dataSettings>
