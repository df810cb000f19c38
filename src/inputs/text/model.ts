/** @file The model of a tokenizer.json: pieces of text to token ids. */

import type { Tokenizer as Engine } from '@huggingface/tokenizers'
import { TextError } from './errors.ts'

/** Pieces to ids, each piece on its own. */
export interface PieceModel {
  ids(piece: string): number[]
  /** A number of tokens that the piece surely reaches, found without making them. */
  fewest(piece: string): number
}

type Kind = 'BPE' | 'Unigram' | 'WordPiece' | 'WordLevel'

/**
 * The engine's models, and around them what Python's `tokenizers` does with characters that a
 * vocabulary lacks.
 * @param config the `model` of a tokenizer.json
 * @param where  for messages: the file
 * @throws TextError `text/tokenizer` for settings under which the engine gives other ids
 */
export function createPieceModel(
  engine: Engine,
  config: Readonly<Record<string, unknown>>,
  where: string,
): PieceModel {
  const { model } = engine
  if (model === null) throw unfit(where, 'model is null, expected a vocabulary')
  const kind = kindOf(config)
  checkSettings(kind, config, where)
  const idOf = model.tokens_to_ids
  const unknown = kind === 'Unigram' ? model.unk_token_id : idOf.get(String(config.unk_token))
  const fallback = config.byte_fallback === true
  if (kind === 'WordLevel') {
    return {
      ids: (piece) => [idOf.get(piece) ?? unknown].filter((id) => id !== undefined),
      fewest: () => 0,
    }
  }
  const fused = kind === 'Unigram' || config.fuse_unk === true
  const dropsUnknown = kind === 'BPE' && unknown === undefined && !fallback
  const bytes = fallback ? byteIds(idOf) : undefined
  let longest: number | undefined
  return {
    ids(piece) {
      const tokens = model.encode([dropsUnknown ? withoutUnknown(piece, idOf) : piece])
      const ids: number[] = []
      let run = ''
      const endRun = () => {
        const own =
          kind === 'Unigram' && bytes !== undefined ? utf8(run).map((byte) => bytes[byte]!) : undefined
        if (own !== undefined) ids.push(...own)
        else if (unknown !== undefined) ids.push(unknown)
        run = ''
      }
      for (const token of tokens) {
        const id = idOf.get(token)
        if (id === undefined || id === unknown) {
          if (!fused && run !== '') endRun()
          run += token
          continue
        }
        // Python adds the bytes of a character at once, an unknown one only when the next comes.
        if (run !== '' && !(fallback && /^<0x..>$/.test(token))) endRun()
        ids.push(id)
      }
      if (run !== '') endRun()
      return ids
    },
    fewest(piece) {
      if (kind === 'WordPiece') return 0
      longest ??= longestToken(idOf)
      // A run of characters that the vocabulary lacks may become one token, or none.
      let known = 0
      for (const char of piece) if (bytes !== undefined || idOf.has(char)) known++
      return Math.ceil(known / longest)
    },
  }
}

/** Older files leave the kind out. */
function kindOf({ type, vocab, merges, continuing_subword_prefix }: Readonly<Record<string, unknown>>): Kind {
  if (type === 'BPE' || type === 'Unigram' || type === 'WordPiece' || type === 'WordLevel') return type
  if (Array.isArray(vocab)) return 'Unigram'
  if (Array.isArray(merges)) return 'BPE'
  return typeof continuing_subword_prefix === 'string' ? 'WordPiece' : 'WordLevel'
}

function checkSettings(kind: Kind, config: Readonly<Record<string, unknown>>, where: string): void {
  const { dropout, continuing_subword_prefix: prefix, unk_id: unknown } = config
  if (kind === 'BPE' && typeof dropout === 'number' && dropout > 0)
    throw unfit(where, `model.dropout is ${dropout}: the same text would give other tokens each time`)
  if (kind === 'BPE' && typeof prefix === 'string' && prefix !== '')
    throw unfit(
      where,
      `model.continuing_subword_prefix is ${JSON.stringify(prefix)}, which BPE is not read with`,
    )
  if (kind === 'Unigram' && typeof unknown !== 'number')
    throw unfit(where, 'model.unk_id is absent: characters that the vocabulary lacks would have no token')
}

/** Python leaves them out before it merges, so that their neighbours can join. */
function withoutUnknown(piece: string, idOf: ReadonlyMap<string, number>): string {
  if (idOf.has(piece)) return piece
  let out = ''
  for (const char of piece) if (idOf.has(char)) out += char
  return out
}

/** The ids of `<0x00>` to `<0xFF>`; undefined where one is missing. */
function byteIds(idOf: ReadonlyMap<string, number>): readonly number[] | undefined {
  const ids = Array.from({ length: 256 }, (_, byte) =>
    idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  ).filter((id) => id !== undefined)
  return ids.length === 256 ? ids : undefined
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)]
}

function longestToken(idOf: ReadonlyMap<string, number>): number {
  let longest = 1
  for (const token of idOf.keys()) longest = Math.max(longest, token.length)
  return longest
}

function unfit(where: string, problem: string): TextError {
  return new TextError('tokenizer', {
    message: `${where}: ${problem}`,
    hint: 'Is tokenizer.json complete and from the same repository as the weights?',
  })
}
