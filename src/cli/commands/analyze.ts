/** @file `bifocal analyze`: how images and texts are aligned, and what would help. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import type { Analysis } from '../../measuring/analysis/analysis.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'

export const analyze = command(
  'analyze [models...]',
  'Measure how image and text vectors are aligned: of models, of runs, or of any two files',
)
  .option('--data <paths...>', 'pairs, as `tune` reads them; default: 400 of the shipped pictures')
  .option('--pictures <folder>', "folder or zip that pictures' paths of --data are relative to")
  .option('--instruction <text>', 'for queries of --data that bring none')
  .option('--limit <n>', 'pairs at most; default 2000', flags.count)
  .option('--base', 'compare each model with itself without its adapter')
  .option('--no-layers', 'leave the layers out')
  .option('--ablate', 'compare readouts: layers, norms, poolings, attention, dims, int8 and binary')
  .option(
    '--runs <runs...>',
    'runs of eval, RUN or RUN:MODEL, instead of models: which measure predicts the score',
  )
  .option(
    '--images <file>',
    'instead of models: vectors of images, .npy, .safetensors, .parquet, .jsonl or a folder',
  )
  .option('--texts <file>', 'vectors of their texts, matched by id or by row')
  .option('--labels <file>', 'a class for each row of --images, one a line: for the score of clusters')
  .option('--fit-images <file>', 'vectors of other pairs, to fit remedies to; default: half of the pairs')
  .option('--fit-texts <file>', 'vectors of their texts')
  .option('--no-remedies', 'leave the remedies out')
  .option('--sample <n>', 'pairs at most of measures that look at all couples; default 1000', flags.count)
  .option('--seed <n>', 'default 7', wholeNumber(0).optional())
  .option('--out <file>', 'write the analysis to a .json file')
  .option('--vectors <dir>', 'keep vectors there: what it holds is not computed again')
  .option(
    '--preset <name>',
    'prompt and readout of a published embedder; default: by the name of the model; or none',
    flags.preset,
  )
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--dtype <dtype>', 'f32, f16 or int8', flags.dtype)
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--memory <mode>', 'fast, or low: half the memory of f16 weights, slower', flags.memory)
  .action(async (given, io) => {
    const { models, runs, images, texts, out } = given
    const subjects = [models.length > 0, runs !== undefined, images !== undefined || texts !== undefined]
    if (subjects.filter(Boolean).length !== 1) {
      throw new UsageError('arguments', {
        message: subjects.includes(true)
          ? 'models, runs and files of vectors together'
          : 'nothing to analyse',
        hint: 'Name one model or several, or runs with --runs, or two files with --images and --texts.',
      })
    }
    refuseFlags(given, models.length > 0 ? 'models' : runs !== undefined ? 'runs' : 'vectors')
    if (out !== undefined && !out.endsWith('.json')) {
      throw new UsageError('arguments', {
        message: `--out ${out}: expected the name of a .json file`,
        hint: 'The analysis is JSON; another name could be that of a file of vectors.',
      })
    }
    const [{ serializeAnalysis }, { analysisWords }, { writeFileAtomic }] = await Promise.all([
      import('../../measuring/analysis/analysis.ts'),
      import('../../measuring/analysis/words.ts'),
      import('../../foundation/files/file.ts'),
    ])
    const analysis =
      models.length > 0
        ? await ofModels(given, io)
        : runs === undefined
          ? await ofVectors(given, io)
          : await ofRuns(runs, given, io)
    const json = serializeAnalysis(analysis)
    if (out !== undefined) await writeFileAtomic(out, json)
    io.print(analysisWords(analysis, { color: io.color, width: io.width }), JSON.parse(json))
    return 0
  })

type Kind = 'models' | 'runs' | 'vectors'

/** Flags that only some kinds of analysis read, by their names in `given`. */
const KINDS_OF_FLAGS: Readonly<Record<string, readonly Kind[]>> = {
  data: ['models'],
  pictures: ['models'],
  instruction: ['models'],
  limit: ['models', 'runs'],
  base: ['models'],
  layers: ['models'],
  ablate: ['models'],
  vectors: ['models'],
  preset: ['models'],
  device: ['models'],
  dtype: ['models'],
  memory: ['models'],
  labels: ['vectors'],
  fitImages: ['vectors'],
  fitTexts: ['vectors'],
}

/** @throws UsageError `usage/arguments` for a flag that would change nothing */
function refuseFlags(given: object, kind: Kind): void {
  const foreign = Object.entries(given).find(
    ([name, value]) =>
      value !== undefined &&
      // A flag that begins with `no-` is given where its value is false.
      value !== (name === 'layers') &&
      KINDS_OF_FLAGS[name]?.includes(kind) === false,
  )
  if (foreign === undefined) return
  const [name] = foreign
  const flag = `--${name === 'layers' ? 'no-' : ''}${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new UsageError('arguments', {
    message: `${flag} has no meaning in an analysis of ${kind}`,
    hint: `It belongs to an analysis of ${KINDS_OF_FLAGS[name]!.join(' or ')}: leave it out.`,
  })
}

/** Flags that all kinds of analysis take. */
interface CommonFlags {
  readonly sample?: number
  readonly seed?: number
  readonly threads?: number
  readonly remedies: boolean
  readonly limit?: number
}

const common = ({ sample, seed, threads, remedies }: CommonFlags, io: CommandIo) => ({
  ...{ sample, seed, threads, remedies },
  signal: io.signal,
  onProgress: io.progress,
})

interface ModelFlags extends CommonFlags {
  readonly models: readonly string[]
  readonly data?: readonly string[]
  readonly pictures?: string
  readonly instruction?: string
  readonly base: boolean
  readonly layers: boolean
  readonly ablate: boolean
  readonly vectors?: string
  readonly preset?: typeof flags.preset._output
  readonly device?: typeof flags.device._output
  readonly dtype?: typeof flags.dtype._output
  readonly memory?: typeof flags.memory._output
}

async function ofModels(given: ModelFlags, io: CommandIo): Promise<Analysis> {
  const { models, data, pictures, instruction, limit, base, layers, ablate, vectors } = given
  const { preset, device, dtype, memory } = given
  const { analyzeModels } = await import('../../measuring/analysis/models.ts')
  return await analyzeModels({
    ...common(given, io),
    ...{ models, limit, base, layers, ablate, vectors },
    data: data?.map((path) => ({ path, instruction, images: pictures })),
    load: { preset, device, dtype, memory, onDownload: (at) => io.progress(inMegabytes(at)) },
    warn: io.warn,
  })
}

async function ofRuns(runs: readonly string[], given: CommonFlags, io: CommandIo): Promise<Analysis> {
  const { analyzeRuns } = await import('../../measuring/analysis/runs.ts')
  return await analyzeRuns({ ...common(given, io), runs, limit: given.limit })
}

interface VectorFlags extends CommonFlags {
  readonly images?: string
  readonly texts?: string
  readonly labels?: string
  readonly fitImages?: string
  readonly fitTexts?: string
}

/** @throws UsageError `usage/arguments` for one file of a pair without the other */
async function ofVectors(given: VectorFlags, io: CommandIo): Promise<Analysis> {
  const { images, texts, labels, fitImages, fitTexts } = given
  if (images === undefined || texts === undefined || (fitImages === undefined) !== (fitTexts === undefined)) {
    throw new UsageError('arguments', {
      message: 'vectors of images without vectors of texts, or of texts without images',
      hint: 'Give both files: --images with --texts, --fit-images with --fit-texts.',
    })
  }
  const { analyzeVectors } = await import('../../measuring/analysis/vectors.ts')
  return await analyzeVectors({
    ...common(given, io),
    ...{ images, texts, labels },
    fitting:
      fitImages === undefined || fitTexts === undefined ? undefined : { images: fitImages, texts: fitTexts },
  })
}
