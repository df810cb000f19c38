/** @file `bifocal embed`: vectors of texts and pictures. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import type { ItemSource } from '../../inputs/data/source.ts'
import type { EmbeddedFile, EmbeddedSource, SkippedLine } from '../../models/embedder/embed-file.ts'
import type { EmbeddedPart } from '../../models/embedder/parts/embed-part.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'
import { itemsIn, requireTable, type TableFlags } from '../items.ts'
import { loadOptionsOf, withLoadFlags } from '../load-flags.ts'
import { shardOf } from '../shard.ts'

const own = command('embed <model>', 'Give the vectors of texts and pictures')
  .option(
    '--input <path>',
    'items: a .jsonl, .csv, .tsv or .parquet file, or a folder of pictures; - reads JSON lines from stdin',
  )
  .option(
    '--columns <names>',
    'columns or keys to use, and what they are: text=caption,image=path; others are left out. Default: text, image, instruction and id',
    flags.columns,
  )
  .option(
    '--delimiter <char>',
    'what separates cells; default: a comma, in a .tsv file a tab',
    flags.delimiter,
  )
  .option(
    '--quote <char>',
    'what stands around cells that hold a delimiter; none: quotes are ordinary characters. Default: "',
    flags.quote,
  )
  .repeatable('--text <text>', 'a text to embed; several times: an item each')
  .option('--image <files...>', 'a picture to embed, or several of one item; with one --text: one item')
  .option('--instruction <text>', 'what the vectors are for; for items that bring none')
  .option('--blank <rule>', 'texts without letters: refuse (default), or embed as they stand', flags.blank)
  .option(
    '--out <file>',
    'write to a .safetensors, .npy, .parquet or .jsonl file instead of stdout; a killed run goes on',
  )
  .option(
    '--shard <i/n>',
    "this machine's part of the items, from 1; auto/n reads the scheduler's index; --out is then a folder for merge-runs",
  )

export const embed = withLoadFlags(own)
  .option('--quantize <kind>', 'int8 (a scale a vector) or binary (a bit an element)', flags.quantize)
  .option(
    '--stray <kind>',
    "the model's image token in a text without a picture: refuse the item, or keep it as a plain token; default refuse",
    flags.stray,
  )
  .option('--strict', 'stop at the first bad item instead of skipping it')
  .action(async (given, io) => {
    const { model, out, dims, quantize, instruction } = given
    const shard = shardOf(given.shard, process.env)
    const [{ Embedder }, { embedFile, embedSource }, { checkVectorPath }] = await Promise.all([
      import('../../models/embedder/embedder.ts'),
      import('../../models/embedder/embed-file.ts'),
      import('../../models/embedder/vectors/file.ts'),
    ])
    if (shard !== undefined) requireList(given)
    else if (out !== undefined) checkVectorPath(out)
    const source = await itemSource(given, io)
    const embedder = await Embedder.load(model, {
      ...loadOptionsOf(given),
      stray: given.stray,
      warn: io.warn,
      signal: io.signal,
      onDownload: (at) => io.progress(inMegabytes(at)),
    })
    try {
      const options = {
        instruction,
        blank: given.blank,
        dims,
        quantize,
        signal: io.signal,
        // A lone item that is bad leaves nothing to go on with.
        badItems: given.strict || given.input === undefined ? 'throw' : 'skip',
        onProgress: (at: { done: number; total?: number }) => io.progress({ label: 'embed', ...at }),
      } as const
      if (shard !== undefined && out !== undefined) {
        const { embedPart } = await import('../../models/embedder/parts/embed-part.ts')
        return printPart(
          await embedPart(embedder, source, { ...options, shard, out, warn: io.warn }),
          out,
          io,
        )
      }
      const onResume = (vectors: number) => io.say(`goes on: ${vectors} vectors of an earlier run are kept`)
      const made: EmbeddedFile =
        out === undefined
          ? await embedSource(embedder, source, options)
          : await embedFile(embedder, source, { ...options, out, onResume })
      warnSkipped(made, io)
      await print(made, { model, out, io })
      if (given.input !== undefined && made.rows.kept.length > 0) io.say(contentLine(made))
      // Nothing embedded is a failure, whatever the reason; some skipped items are not.
      return made.rows.kept.length === 0 ? 3 : 0
    } finally {
      await embedder.close()
    }
  })

/** @throws UsageError `usage/arguments` */
function requireList({ input, out }: { input?: string; out?: string }): void {
  if (input !== undefined && out !== undefined) return
  throw new UsageError('arguments', {
    message: `--shard without ${input === undefined ? '--input' : '--out'}`,
    hint: 'A shard is a part of a list: --input PATH --shard 1/4 --out FOLDER.',
  })
}

function printPart(part: EmbeddedPart, out: string, io: CommandIo): 0 | 3 {
  warnSkipped(part, io)
  const { shard, items, own, skipped } = part
  if (own.resumed > 0) io.say(`goes on: ${own.resumed} vectors of an earlier run are kept`)
  io.print(
    `shard ${shard.index} of ${shard.of}: ${own.items} different items of ${items} lines → ${out}\n` +
      `merge them: bifocal merge-runs FOLDER… --out FILE`,
    { ...part, out },
  )
  // A part without items of its own is none of a bad list.
  return skipped.length === items ? 3 : 0
}

/** More would hide the others: all are in the list beside the file. */
const SHOWN = 20

export function warnSkipped(
  { skipped, skippedFile }: Pick<EmbeddedFile, 'skipped' | 'skippedFile'>,
  io: CommandIo,
): void {
  const label = ({ line, id }: SkippedLine) => (id === undefined ? `item ${line}` : `item ${line} (${id})`)
  const shown = skipped.slice(0, SHOWN)
  for (const at of shown) io.warn(`${label(at)} was skipped [${at.code}]: ${at.message}\n  hint: ${at.hint}`)
  if (skipped.length === 0) return
  const more = skipped.length > SHOWN ? `; ${skipped.length - SHOWN} more are not shown` : ''
  const were = skipped.length === 1 ? 'item was' : 'items were'
  io.warn(
    `${skipped.length} ${were} skipped${more}${skippedFile === undefined ? '' : `; listed in ${skippedFile}`}`,
  )
}

async function print(
  { rows, skipped, usage, content, skippedFile }: EmbeddedSource & Pick<EmbeddedFile, 'skippedFile'>,
  { model, out, io }: { model: string; out: string | undefined; io: CommandIo },
): Promise<void> {
  const { vectorLines } = await import('../../models/embedder/vectors/file.ts')
  const [count, width] = [rows.kept.length, rows.vectors.dims[1]]
  const summary = { model, dims: width, usage, content, skipped }
  if (out !== undefined)
    io.print(`${count} ${count === 1 ? 'vector' : 'vectors'} of ${width} elements → ${out}`, {
      ...summary,
      out,
      skippedFile,
    })
  else if (io.json)
    io.print('', { ...summary, vectors: Array.from(vectorLines(rows), (line) => JSON.parse(line)) })
  else for (const line of vectorLines(rows)) io.line(line)
}

/** `4 items: text + picture`, or `6 items: 4 text + picture, 2 text`. */
export function contentLine({ rows, content }: Pick<EmbeddedSource, 'rows' | 'content'>): string {
  const kinds = Object.entries(content)
  const [only] = kinds
  const count = rows.kept.length
  const words = kinds.length === 1 ? only?.[0] : kinds.map(([kind, items]) => `${items} ${kind}`).join(', ')
  return `${count} ${count === 1 ? 'item' : 'items'}: ${words}`
}

/** Items of the input, or the one that the flags describe. */
async function itemSource(
  given: {
    input?: string
    text?: string[]
    image?: string[]
  } & TableFlags,
  { signal, warn }: CommandIo,
): Promise<ItemSource> {
  const { input, text, image, columns, delimiter, quote } = given
  const alone = text !== undefined || image !== undefined
  requireTable({ columns, delimiter, quote }, input, '--input')
  if ((input !== undefined) === alone) {
    throw new UsageError('arguments', {
      message: alone ? '--input together with --text or --image' : 'nothing to embed',
      hint: 'Give --text, --image or both, or --input PATH for many items.',
    })
  }
  if (input !== undefined) return await itemsIn(input, signal, columns, { delimiter, quote, warn })
  const [first, ...more] = text ?? []
  if (more.length > 0 && image !== undefined) {
    throw new UsageError('arguments', {
      message: `--text ${more.length + 1} times together with --image`,
      hint: 'Give one --text to go with the picture, or name the items in a file with --input.',
    })
  }
  const items = [{ text: first, image }, ...more.map((one) => ({ text: one, image: undefined }))]
  const lines = items.map((item, i) => ({ line: i + 1, item }))
  return { name: 'the flags', total: lines.length, lines: () => lines }
}
