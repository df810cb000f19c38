/** @file The post-processor of a tokenizer.json: the tokens that it puts around every text. */

import { z } from 'zod'
import { TextError } from './errors.ts'
import { unknownPart } from './normalizers.ts'

/** Token ids that stand before and after those of every text. */
export interface Frame {
  before: readonly number[]
  after: readonly number[]
}

export const NO_FRAME: Frame = { before: [], after: [] }

const id = z.int().nonnegative()
const pair = z.tuple([z.string(), id])
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string() }) }),
  z.object({ Sequence: z.object({ id: z.string() }) }),
])
const schema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ByteLevel') }),
  z.object({ type: z.enum(['BertProcessing', 'RobertaProcessing']), sep: pair, cls: pair }),
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z.array(piece),
    special_tokens: z.record(z.string(), z.object({ ids: z.array(id) })),
  }),
  z.object({ type: z.literal('Sequence'), processors: z.array(z.unknown()) }),
])

/**
 * @param config the `post_processor` of a tokenizer.json; null and undefined add nothing
 * @param where  for messages: the file
 * @throws TextError `text/tokenizer` for a kind or setting that we do not know
 */
export function createFrame(config: unknown, where: string): Frame {
  if (config === null || config === undefined) return NO_FRAME
  const parsed = schema.safeParse(config)
  if (!parsed.success) throw unknownPart('post-processor', config, where, parsed.error)
  const { data } = parsed
  switch (data.type) {
    case 'ByteLevel':
      return NO_FRAME
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [data.cls[1]], after: [data.sep[1]] }
    case 'Sequence':
      return data.processors
        .map((part) => createFrame(part, where))
        .reduce(
          (inner, outer) => ({
            before: [...outer.before, ...inner.before],
            after: [...inner.after, ...outer.after],
          }),
          NO_FRAME,
        )
    case 'TemplateProcessing': {
      const at = data.single.findIndex((part) => 'Sequence' in part)
      const texts = data.single.filter((part) => 'Sequence' in part).length
      if (texts !== 1) throw unfitTemplate(where, `names the text ${texts} times, expected once`)
      const idsOf = (parts: typeof data.single) =>
        parts.flatMap((part) => {
          if (!('SpecialToken' in part)) return []
          const known = data.special_tokens[part.SpecialToken.id]
          if (known === undefined) throw unfitTemplate(where, `has no ids for ${part.SpecialToken.id}`)
          return known.ids
        })
      return { before: idsOf(data.single.slice(0, at)), after: idsOf(data.single.slice(at + 1)) }
    }
  }
}

function unfitTemplate(where: string, problem: string): TextError {
  return new TextError('tokenizer', {
    message: `${where}: the template of the post-processor ${problem}`,
    hint: 'Is tokenizer.json complete and from the same repository as the weights?',
  })
}
