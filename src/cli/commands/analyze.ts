/** @file `bifocal analyze`: how images and texts are aligned, and what would help. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'

export const analyze = command(
  'analyze',
  'Measure how image and text vectors are aligned, and which remedies help',
)
  .option(
    '--images <file>',
    'vectors of images: .npy, .safetensors, .parquet, .jsonl, or a folder of vectors',
  )
  .option('--texts <file>', 'vectors of their texts, matched by id or by row')
  .option('--labels <file>', 'a class for each image, one a line: for the score of clusters')
  .option('--fit-images <file>', 'vectors of other pairs, to fit remedies to; default: half of the pairs')
  .option('--fit-texts <file>', 'vectors of their texts')
  .option('--no-remedies', 'measures alone')
  .option('--sample <n>', 'pairs at most of measures that look at all couples; default 1000', flags.count)
  .option('--seed <n>', 'default 7', wholeNumber(0).optional())
  .option('--out <file>', 'write the analysis to a .json file')
  .option('--threads <n>', 'default: as many as the machine has', flags.threads)
  .action(async (given, io) => {
    const { images, texts, labels, fitImages, fitTexts, remedies, sample, seed, threads, out } = given
    if (images === undefined || texts === undefined) {
      throw new UsageError('arguments', {
        message: 'nothing to analyse',
        hint: 'Give --images FILE and --texts FILE.',
      })
    }
    if ((fitImages === undefined) !== (fitTexts === undefined)) {
      throw new UsageError('arguments', {
        message: 'one of --fit-images and --fit-texts without the other',
        hint: 'Remedies are fitted to pairs: give both files, or none.',
      })
    }
    const [{ analyzeVectors }, { serializeAnalysis }, { analysisWords }, { writeFileAtomic }] =
      await Promise.all([
        import('../../measuring/analysis/vectors.ts'),
        import('../../measuring/analysis/analysis.ts'),
        import('../../measuring/analysis/words.ts'),
        import('../../foundation/files/file.ts'),
      ])
    const analysis = await analyzeVectors({
      ...{ images, texts, labels, remedies, sample, seed, threads },
      ...(fitImages !== undefined &&
        fitTexts !== undefined && { fitting: { images: fitImages, texts: fitTexts } }),
      signal: io.signal,
      onProgress: io.progress,
    })
    const json = serializeAnalysis(analysis)
    if (out !== undefined) await writeFileAtomic(out, json)
    io.print(analysisWords(analysis, { color: io.color, width: io.width }), JSON.parse(json))
    return 0
  })
