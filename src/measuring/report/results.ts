/**
 * @file `results.json`, schema version 2: everything a study found and nothing that varies from run
 * to run (no time, no machine), so that the same seed gives the same bytes. `run.json` (run.ts)
 * holds the rest.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { canonicalJson } from '../../foundation/files/canonical-json.ts'
import { readJson } from '../../foundation/files/file.ts'
import { META_TASKS } from '../../inputs/data/task.ts'
import { ReportError } from './errors.ts'
import { factorsSchema } from './factors.ts'
import { intervalSchema } from './interval.ts'
import { pairsSchema } from './pairs.ts'
import { danglingReferences } from './references.ts'

/** The version this code writes and reads. */
export const RESULTS_VERSION = 2

const name = z.string().min(1)
const count = z.int().nonnegative()

const metaTaskSchema = z.enum(META_TASKS)

/**
 * The kind of a row of the score table. `twin`: a shipped twin; `checkpoint`: a model the user
 * named; the rest are controls: the same tuning of a random decoder, the tower alone, raw pixels,
 * another baseline of a run, queries with another query's picture, the commonest answer, and luck.
 */
const roleSchema = z.enum([
  'twin',
  'checkpoint',
  'random-decoder',
  'dual-encoder',
  'pixels',
  'baseline',
  'shuffled',
  'majority',
  'chance',
])

const tuningSchema = z.strictObject({
  steps: count,
  batch: count,
  /** LoRA rank; null when all decoder weights were trained. */
  rank: count.nullable(),
  /** Peak, of Muon for the matrices. */
  learningRate: z.number().positive(),
  /** Falls from `start` to `end`. */
  temperature: z.object({ start: z.number().positive(), end: z.number().positive() }),
  /** `[step, loss]`, steps increasing; loss in nats. Thin to ≤ 200 points. */
  lossCurve: z.array(z.tuple([count, z.number()])),
  /**
   * Settings that were tried on dev rows (pooling, layer, …), as words, with mean dev hit@1;
   * exactly the used one has `chosen`.
   */
  devChoices: z.array(z.strictObject({ setting: name, hit1: z.number(), chosen: z.boolean() })),
})

const modelSchema = z.strictObject({
  /**
   * Unique in this file. A tuned model is an entry of its own: `twin-ar` (untuned) and
   * `twin-ar-tuned`.
   */
  id: name,
  /** Its name in tables and charts, without the state: "AR twin". */
  label: name,
  role: roleSchema,
  state: z.enum(['untuned', 'tuned', 'none']),
  /**
   * The id this entry derives from: the untuned twin of a tuned one, the tuned twin whose queries
   * were shuffled.
   */
  of: name.optional(),
  family: name.nullable(),
  /** Decides the colour: AR and diffusion keep theirs on the whole page. */
  objective: z.enum(['autoregressive', 'diffusion', 'contrastive', 'none']),
  attention: z.enum(['causal', 'bidirectional', 'block', 'none']),
  /** Content hash of the weights (and adapter), hexadecimal; null for controls without weights. */
  hash: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/)
    .nullable(),
  parameters: count.nullable(),
  /** The readout in use, in words: "last layer, mean over tokens". */
  readout: name.optional(),
  /** One paragraph from the model card. */
  card: name.optional(),
  tuning: tuningSchema.optional(),
})

const taskSchema = z.strictObject({
  name,
  metaTask: metaTaskSchema,
  /**
   * How far the test rows lie from training. The embedded tasks (specs/twins.md §2) have `in`,
   * `out-drawing`, `out-style`, `out-concept` and `out-type`.
   */
  shift: name,
  /** Why the task has this shift. */
  reason: name,
  queries: count,
  /** Candidates a query (the pool's size for a shared pool). */
  candidates: count,
  /** The fewest candidates of a query, where queries differ; `candidates` is then the most. */
  leastCandidates: count.optional(),
  /**
   * hit@1 of luck and of the commonest answer, both in [0, 1]; `majority` null where the notion has
   * no meaning.
   */
  chance: z.number().min(0).max(1),
  majority: z.number().min(0).max(1).nullable(),
  instruction: z.string().optional(),
})

/**
 * One model on one task. `hit1` counts ties as the expectation over random orders. `metrics` has a
 * mean for each row of the table of metrics. All in [0, 1].
 */
const scoreSchema = z.strictObject({
  model: name,
  task: name,
  hit1: intervalSchema,
  metrics: z.record(name, z.number().min(0).max(1)),
})

/** The scope of a mean or a difference. */
const scopeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task'), task: name }),
  z.strictObject({ kind: z.literal('metaTask'), metaTask: metaTaskSchema }),
  z.strictObject({ kind: z.literal('shift'), shift: name }),
  /** All in-domain tasks, or all tasks. */
  z.strictObject({ kind: z.literal('in-domain') }),
  z.strictObject({ kind: z.literal('all') }),
  /** A published average of tasks, e.g. MMEB's CLS. */
  z.strictObject({ kind: z.literal('average'), average: name }),
])

/** A mean of task means over `scope`. */
const meanSchema = z.strictObject({ model: name, scope: scopeSchema, hit1: intervalSchema })

/** hit@1 of `a` − hit@1 of `b`, paired over the same rows; in [−1, 1]. */
const differenceSchema = z.strictObject({ a: name, b: name, scope: scopeSchema, interval: intervalSchema })

/**
 * One alignment measure of one model. `layer` null: the readout in use; otherwise a state of the
 * decoder, counted as contracts and `--layer` count: `inputs` before the first layer, then 0, 1, …
 */
const alignmentSchema = z.strictObject({
  model: name,
  measure: name,
  layer: z.union([z.literal('inputs'), count]).nullable(),
  interval: intervalSchema,
})

const measureSchema = z.strictObject({
  name,
  label: name,
  /** Which way is better aligned. */
  direction: z.enum(['higher', 'lower', 'neither']),
  /** How to read it, in one plain sentence; shown under the chart. */
  meaning: name,
  /** Paper. */
  source: name,
})

/** A point of the 2-D map. Points with the same `id` are a matched image and text. */
const mapPointSchema = z.strictObject({
  id: name,
  kind: z.enum(['image', 'text']),
  x: z.number(),
  y: z.number(),
  label: z.string(),
  thumbnail: count.optional(),
})

const mapSchema = z.strictObject({ model: name, points: z.array(mapPointSchema) })

/** Text, picture (index into `thumbnails`), or both. */
const exampleSchema = z.strictObject({ text: z.string().optional(), thumbnail: count.optional() })

/**
 * A query whose gold candidate lost. `scoreGap` = cosine of the winner − cosine of the gold, ≥ 0.
 */
const failureSchema = z.strictObject({
  model: name,
  task: name,
  query: exampleSchema,
  expected: exampleSchema,
  got: exampleSchema,
  scoreGap: z.number().nonnegative(),
})

/** The study's answer in one sentence; the interval is the paired difference that it rests on. */
const findingSchema = z.strictObject({
  sentence: name,
  /** The quantity of `interval`: "AR − diffusion, mean hit@1 over in-domain tasks". */
  quantity: name,
  interval: intervalSchema,
  /** The same quantity in runs with other seeds, where they are known. */
  otherSeeds: z.array(z.strictObject({ seed: z.int(), interval: intervalSchema })),
  /** A sentence or two more: which controls hold, what it does not show. */
  caveats: z.array(name),
})

const criterionSchema = z.strictObject({ name, passed: z.boolean(), detail: z.string() })

const resultsShape = z.strictObject({
  schemaVersion: z.literal(RESULTS_VERSION),
  title: name,
  seed: z.int(),
  /** Reproduces this file. */
  command: name,
  plan: name,
  world: name,
  models: z.array(modelSchema),
  tasks: z.array(taskSchema),
  /** The table of metrics: names as in `scores`, words for axes. */
  metrics: z.array(z.strictObject({ name, label: name })),
  scores: z.array(scoreSchema),
  means: z.array(meanSchema),
  differences: z.array(differenceSchema),
  /** Only of a study of models that share a base. */
  pairs: pairsSchema.optional(),
  /** Only of a study of shipped twins, where the table ships too: no run of this study made it. */
  factors: factorsSchema.optional(),
  measures: z.array(measureSchema),
  alignment: z.array(alignmentSchema),
  maps: z.array(mapSchema),
  /**
   * Small pictures, `data:image/png|webp|jpeg;base64,…`; points and failures refer to them by
   * index.
   */
  thumbnails: z.array(z.string().regex(/^data:image\/(png|webp|jpeg);base64,[A-Za-z0-9+/=]+$/)),
  failures: z.array(failureSchema),
  finding: findingSchema,
  criteria: z.array(criterionSchema),
  notes: z.array(name),
  credits: z.array(name),
})

/**
 * Shape plus references: every model, task, measure and thumbnail that is named exists, ids are
 * unique.
 */
const resultsSchema = resultsShape.superRefine((results, context) => {
  for (const { path, message } of danglingReferences(results))
    context.addIssue({ code: 'custom', path, message })
})

export type Interval = z.infer<typeof intervalSchema>
export type MetaTask = z.infer<typeof metaTaskSchema>
export type Scope = z.infer<typeof scopeSchema>
export type ResultsModel = z.infer<typeof modelSchema>
export type Failure = z.infer<typeof failureSchema>
export type Results = z.infer<typeof resultsShape>

/** The parts that tables and charts of scores show. Studies and runs have them alike. */
export type Measured = Pick<
  Results,
  'models' | 'tasks' | 'metrics' | 'scores' | 'means' | 'differences' | 'notes'
>

/** The parts that charts of alignment show. */
export type Aligned = Pick<Results, 'models' | 'measures' | 'alignment'>

/**
 * Checks what claims to be results.
 * @throws ReportError `report/results-schema`, naming up to five places.
 */
export function parseResults(json: unknown): Results {
  const parsed = resultsSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues
  const places = issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'top level'}: ${message}`)
  throw new ReportError('results-schema', {
    message: `the results break schema version ${RESULTS_VERSION} in ${issues.length} places: ${places.join('; ')}`,
    hint:
      'Was the file written by another version of bifocal? Run the study again, or use the ' +
      'version that wrote it.',
  })
}

/**
 * Reads `results.json` of a study.
 * @throws FileError `file/missing`, `file/json`; ReportError `report/results-schema`
 */
export async function readResults(folder: string): Promise<Results> {
  return parseResults(await readJson(join(folder, 'results.json'), z.unknown()))
}

/**
 * The bytes of `results.json`: checked, keys in schema order, fractions rounded to 6 significant
 * digits, a newline at the end.
 */
export function serializeResults(results: Results): string {
  return canonicalJson(parseResults(results))
}
