/** @file Items from a JSON Lines file: `{"instruction": …, "text": …, "image": …}`. */

import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { readText } from '../checkpoint/file.ts'
import { EmbedderError } from './errors.ts'
import type { EmbedItem } from './input.ts'

const itemSchema = z.strictObject({ instruction: z.string().nullish(), text: z.string().nullish(), image: z.string().nullish() })

/** A line: what it holds, or why it is no item. */
export type ItemLine = { line: number; item: EmbedItem } | { line: number; error: EmbedderError }

/**
 * Reads all lines; blank ones do not count. Pictures are relative to the file.
 * @param path a file; @throws FileError `file/missing`, `file/read`
 */
export async function readItemLines(path: string): Promise<ItemLine[]> {
  return parseItemLines(await readText(path), path, dirname(path))
}

/** @param name what to call the lines in errors @param folder what paths of pictures are relative to */
export function parseItemLines(text: string, name: string, folder: string): ItemLine[] {
  return text.split('\n').flatMap((content, i): ItemLine[] => {
    if (content.trim() === '') return []
    const line = i + 1
    try {
      const { instruction, text: words, image } = itemSchema.parse(JSON.parse(content))
      return [
        {
          line,
          item: { instruction: instruction ?? undefined, text: words ?? undefined, image: image ? resolve(folder, image) : undefined },
        },
      ]
    } catch (cause) {
      const why =
        cause instanceof z.ZodError ? cause.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ') : String(cause)
      const error = new EmbedderError('item-line', {
        message: `${name}, line ${line}: ${why}`,
        hint: 'Each line is one JSON object with instruction, text and image, each optional.',
        cause,
      })
      return [{ line, error }]
    }
  })
}
