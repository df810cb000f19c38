/**
 * @file The concepts of the embedded pictures: what each drawing shows, its words, and on which
 * side of each split it lies.
 */

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ScenesError } from './errors.ts'

/**
 * Drawing styles; a style is known by its position. The first four are trained on, `glossy` and
 * `blob` only tested (specs/embedded-data.md §4.3).
 */
export const STYLES = ['painted', 'flat', 'outlined', 'rounded', 'glossy', 'blob'] as const
export type StyleName = (typeof STYLES)[number]
/** How many of `STYLES` training may show. */
export const TRAINING_STYLES = 4
export const GLOSSY = 4
export const BLOB = 5

const conceptSchema = z.strictObject({
  /** Code points without FE0F, lower case, `-` between. */
  hex: z.string(),
  /** CLDR English short name. */
  label: z.string(),
  tags: z.array(z.string()),
  /** Group in words: "animals and nature". */
  group: z.string(),
  /** Subgroup in words: "animal mammal". */
  subgroup: z.string(),
  /**
   * Concepts that look or are called nearly the same share a cluster; a cluster never straddles a
   * split.
   */
  cluster: z.number().int(),
  split: z.enum(['train', 'held-out']),
  /** The style (0 … 3) in which this concept is never shown before the test. */
  withheld: z.number().int().min(0).max(3),
  glossy: z.boolean(),
  blob: z.boolean(),
})
const fileSchema = z.array(conceptSchema)

/** One line of `data/concepts.json`. `index` is its position there and its cell in every sheet. */
export type Concept = z.infer<typeof conceptSchema> & { readonly index: number }

/** All concepts, in the order of the sheets' cells. */
export async function loadConcepts(dataDir: string): Promise<Concept[]> {
  const file = `${dataDir}/concepts.json`
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new ScenesError('concepts-missing', {
      message: `${file} cannot be read`,
      hint: 'The package bifocal-twins carries it; a developer rebuilds it with scripts/build-data.ts.',
      cause,
    })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new ScenesError('concepts-invalid', {
      message: `${file} is not JSON`,
      hint: 'Install the package bifocal-twins again.',
      cause,
    })
  }
  const parsed = fileSchema.safeParse(json)
  if (!parsed.success) {
    throw new ScenesError('concepts-invalid', {
      message: `${file} does not have the expected fields: ${z.prettifyError(parsed.error)}`,
      hint: 'Install the package bifocal-twins again; a developer rebuilds it with scripts/build-data.ts.',
    })
  }
  return parsed.data.map((concept, index) => ({ ...concept, index }))
}

/** Whether a drawing of the concept exists in this style (all have the four training styles). */
export function hasStyle(concept: Concept, style: number): boolean {
  if (style === GLOSSY) return concept.glossy
  if (style === BLOB) return concept.blob
  return style >= 0 && style < TRAINING_STYLES
}
