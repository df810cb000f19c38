/**
 * @file A pair as a row writes it, before any picture is read: texts, and names or bytes of
 * pictures. What is wrong with the row itself is found here.
 */

import { createHash } from 'node:crypto'
import { isAddress } from '../../media/decode.ts'
import { Unusable } from '../value.ts'
import { hash53, type PairFacts, shareOf } from './facts.ts'

/** A path as the row has it, or the bytes of a picture's file. */
export type DraftPicture = string | Uint8Array

export interface DraftItem {
  readonly instruction?: string
  readonly text?: string
  readonly pictures: readonly DraftPicture[]
}

export interface DraftPair {
  readonly query: DraftItem
  readonly target: DraftItem
  readonly negatives: readonly DraftItem[]
  /** A teacher's scores of the target, and of each negative. */
  readonly teacher?: { readonly target: number; readonly negatives: readonly number[] }
}

/** A pair that can be used, and what its row says without its pictures. */
export interface CheckedPair {
  readonly pair: DraftPair
  readonly facts: PairFacts
  /** Everything that decides the pair, as text. */
  readonly content: string
  /** Negatives that are equal to the target, and were dropped. */
  readonly dropped: number
}

/**
 * Checks that a row is a pair. Negatives that are absent are left out; one that is equal to the
 * target is dropped, with its teacher's score.
 * @throws Unusable for a row without query or target, or whose query is its target
 */
export function checkedPair({ query, target, negatives, teacher }: DraftPair): CheckedPair {
  const [own, wanted] = [checkedItem(query, 'query'), checkedItem(target, 'target')]
  if (own === undefined) throw new Unusable('it has no query')
  if (wanted === undefined) throw new Unusable('it has no target')
  if (own.bare === wanted.bare) throw new Unusable('its target is equal to its query')
  const items = negatives.map((negative, i) => checkedItem(negative, `negative ${i + 1}`))
  const kept = items.flatMap((item, i) => (item === undefined || item.bare === wanted.bare ? [] : [i]))
  checkTeacher(teacher, negatives.length)
  const scores = teacher && { ...teacher, negatives: kept.map((i) => teacher.negatives[i]!) }
  return {
    pair: {
      query,
      target,
      negatives: kept.map((i) => negatives[i]!),
      ...(scores && { teacher: scores }),
    },
    facts: {
      pictures: { query: query.pictures.length, target: target.pictures.length },
      negatives: kept.length,
      target: hash53(wanted.bare),
      share: shareOf(own.bare, wanted.bare),
    },
    content: JSON.stringify([own.whole, wanted.whole, kept.map((i) => items[i]!.whole), scores ?? null]),
    dropped: items.filter((item) => item?.bare === wanted.bare).length,
  }
}

function checkTeacher(teacher: DraftPair['teacher'], negatives: number): void {
  if (teacher === undefined || teacher.negatives.length === negatives) return
  throw new Unusable(`it has ${teacher.negatives.length} scores for ${negatives} negatives`)
}

/** The content of an item as text. */
interface Content {
  readonly whole: string
  /** Without the instruction: two items that differ in it alone show the same thing. */
  readonly bare: string
}

/**
 * Undefined where the item has neither text nor pictures. Blank texts count as absent.
 * @throws Unusable for what no item can have
 */
function checkedItem({ instruction, text, pictures }: DraftItem, side: string): Content | undefined {
  const said = present(instruction)
  const words = present(text)
  for (const value of [said, words])
    if (value !== undefined && /\p{Cs}/u.test(value))
      throw new Unusable(`${side}: half of a surrogate pair, which is no character`)
  const address = pictures.find((picture) => typeof picture === 'string' && isAddress(picture))
  if (address !== undefined)
    throw new Unusable(`${side}: ${address} is an address on the net, and pictures are not fetched`)
  if (words === undefined && pictures.length === 0) return undefined
  const names = pictures.map((picture) =>
    typeof picture === 'string' ? picture : `sha256:${createHash('sha256').update(picture).digest('hex')}`,
  )
  const bare = JSON.stringify([words ?? null, names])
  return { bare, whole: JSON.stringify([said ?? null, bare]) }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}
