/** @file `bifocal embed`: vectors of texts and pictures. */

import type { EmbedItem } from '../../embedder/input.ts'
import type { ItemLine } from '../../embedder/item-lines.ts'
import { InterruptedError, UsageError } from '../../numeric/errors.ts'
import { command } from '../command.ts'
import * as flags from '../flags.ts'

export const embed = command('embed <model>', 'Give the vectors of texts and pictures')
  .option('--input <file>', 'items, one JSON object a line: {"instruction", "text", "image"}; - reads stdin')
  .option('--text <text>', 'one item: its text')
  .option('--image <file>', 'one item: its picture, PNG, JPEG or WebP')
  .option('--instruction <text>', 'what the vectors are for; for items that bring none')
  .option('--out <file>', 'write to a .safetensors, .npy or .jsonl file instead of stdout')
  .option('--pool <kind>', 'how positions become one vector: last, mean, mean-text, … ', flags.pool)
  .option('--layer <n>', 'decoder layer to read after, or "last"', flags.layer)
  .option('--attention <kind>', 'native, causal or bidirectional', flags.attention)
  .option('--dims <n>', 'leading elements to keep', flags.count)
  .option('--truncation <kind>', 'too long an item: error, or cut as the reference does', flags.truncation)
  .option('--adapter <dir>', 'a PEFT adapter folder')
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--threads <n>', 'default: as many as the machine has', flags.count)
  .option('--memory <mode>', 'fast, or low: half the memory of f16 weights, slower', flags.memory)
  .option('--strict', 'stop at the first bad item instead of skipping it')
  .action(async (given, io) => {
    const { model, out, dims, device, threads, memory, attention, truncation, adapter, layer, pool } = given
    const [{ Embedder }, { checkVectorPath, vectorLines, writeVectors }] = await Promise.all([
      import('../../embedder/embedder.ts'),
      import('../../embedder/vector-file.ts'),
    ])
    // A lone item that is bad leaves nothing to go on with.
    const strict = given.strict || given.input === undefined
    if (out !== undefined) checkVectorPath(out)
    const lines = await itemLines(given, io.signal)
    const broken = lines.flatMap((line) => ('error' in line ? [line] : []))
    if (strict && broken[0] !== undefined) throw broken[0].error
    const items = lines.flatMap((line) => ('item' in line ? [line] : []))
    const norm = layer === undefined || layer === 'last' ? undefined : 'before'
    const embedder = await Embedder.load(model, {
      device,
      threads,
      memory,
      attention,
      truncation,
      adapter,
      readout: { layer, pool, norm },
      warn: io.warn,
    })
    try {
      const { vectors, kept, skipped, usage } = await embedder.embed(
        items.map(({ item }) => item),
        { signal: io.signal, dims, badItems: strict ? 'throw' : 'skip', onProgress: (at) => io.progress({ label: 'embed', ...at }) },
      )
      const bad = [
        ...broken.map(({ line, error: { code, message, hint } }) => ({ line, code, message, hint })),
        ...skipped.map(({ index, ...why }) => ({ line: items[index]!.line, ...why })),
      ].sort((a, b) => a.line - b.line)
      for (const { line, code, message, hint } of bad) io.warn(`item ${line} was skipped [${code}]: ${message}\n  hint: ${hint}`)
      const rows = { vectors, kept: kept.map((index) => items[index]!.line - 1) }
      if (out !== undefined) await writeVectors(out, rows, { model, contract: JSON.stringify(embedder.contract) })
      const summary = { model, dims: vectors.dims[1], usage, skipped: bad }
      if (out !== undefined) io.print(`${rows.kept.length} vectors of ${vectors.dims[1]} elements → ${out}`, { ...summary, out })
      else if (io.json || rows.kept.length > 0)
        io.print(vectorLines(rows).join('\n'), { ...summary, vectors: vectorLines(rows).map((line) => JSON.parse(line)) })
      // Nothing embedded is a failure, whatever the reason; some skipped items are not.
      return rows.kept.length === 0 && bad.length > 0 ? 3 : 0
    } finally {
      await embedder.close()
    }
  })

/** Items of the input file, or the one that the flags describe. */
async function itemLines(
  given: { input?: string; text?: string; image?: string; instruction?: string },
  signal: AbortSignal,
): Promise<ItemLine[]> {
  const { input, text, image, instruction } = given
  const alone = text !== undefined || image !== undefined
  if ((input !== undefined) === alone) {
    throw new UsageError('arguments', {
      message: alone ? '--input together with --text or --image' : 'nothing to embed',
      hint: 'Give --text, --image or both for one item, or --input FILE for many.',
    })
  }
  if (input === undefined) return [{ line: 1, item: { text, image, instruction } }]
  const { parseItemLines, readItemLines } = await import('../../embedder/item-lines.ts')
  const lines = input === '-' ? parseItemLines(await stdinText(signal), 'stdin', '.') : await readItemLines(input)
  if (lines.length === 0) throw new UsageError('empty-input', { message: `${input} has no items`, hint: 'Write one JSON object a line.' })
  const named = (item: EmbedItem): EmbedItem => ({ ...item, instruction: item.instruction ?? instruction })
  return lines.map((line) => ('item' in line ? { ...line, item: named(line.item) } : line))
}

/** Ends with the signal too: nobody should have to close stdin to leave. */
async function stdinText(signal: AbortSignal): Promise<string> {
  const { text } = await import('node:stream/consumers')
  const stop = () => process.stdin.destroy(new InterruptedError('reading stdin'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await text(process.stdin)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
