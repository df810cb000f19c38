/**
 * @file Pairs as ms-swift trains embedders on: a line has `messages`, `positive_messages` and
 * `negative_messages`, and `<image>` in a message stands for a picture of its own list.
 * @see https://swift.readthedocs.io/en/latest/BestPractices/Embedding.html
 */

import { isObject } from '../json-line.ts'
import { described, picturesIn, textIn, Unusable, type WrittenPicture } from '../value.ts'
import type { DraftItem, DraftPair } from './draft.ts'
import type { RowReader } from './reader.ts'
import type { RowRecord } from './table.ts'

const IMAGE = '<image>'
const OTHER_MEDIA = [
  'videos',
  'audios',
  'positive_videos',
  'positive_audios',
  'negative_videos',
  'negative_audios',
]

/** Whether a row is one of ms-swift. */
export function isSwift(names: readonly string[]): boolean {
  return names.includes('messages') && names.includes('positive_messages')
}

/**
 * Reads lines of ms-swift. A system message becomes the instruction. Pictures of an item come
 * before its text in every prompt, wherever `<image>` stands: `warn` is told once.
 */
export function swiftReader(name: string, warn?: (message: string) => void): RowReader {
  let told = false
  const moved = () => {
    if (told) return
    told = true
    warn?.(`${name}: ${IMAGE} stands within a text; the model's prompt puts pictures where it has them`)
  }
  return { draft: (record) => pairOf(record, moved) }
}

function pairOf(record: RowRecord, moved: () => void): DraftPair {
  const media = OTHER_MEDIA.find((key) => isFilled(record[key]))
  if (media !== undefined) throw new Unusable(`it has ${media}, which no model here reads`)
  const { label } = record
  if (label !== undefined && label !== null && label !== 1)
    throw new Unusable(`its label is ${described(label)}: of a pair to learn from it is 1, or absent`)
  const query = itemOf(record.messages, record.images, 'messages', moved)
  const targets = itemsOf(record, 'positive', moved)
  if (targets.length > 1) throw new Unusable(`it has ${targets.length} positives, expected one`)
  return { query, target: targets[0] ?? { pictures: [] }, negatives: itemsOf(record, 'negative', moved) }
}

function itemsOf(record: RowRecord, side: 'positive' | 'negative', moved: () => void): DraftItem[] {
  const key = `${side}_messages`
  const lists = listIn(record[key], key)
  const images = listIn(record[`${side}_images`], `${side}_images`)
  if (images.length > 0 && images.length !== lists.length)
    throw new Unusable(`${side}_images has ${images.length} lists for ${lists.length} of ${key}`)
  return lists.map((messages, i) =>
    itemOf(messages, images[i], lists.length > 1 ? `${key} ${i + 1}` : key, moved),
  )
}

/** One item: its system message and its user messages, in order. */
function itemOf(value: unknown, images: unknown, where: string, moved: () => void): DraftItem {
  const said: string[] = []
  const texts: string[] = []
  for (const message of listIn(value, where)) {
    if (!isObject(message))
      throw new Unusable(`${where}: expected { role, content }, got ${described(message)}`)
    const { role, content } = message
    const text = contentOf(content, where)
    if (role === 'system') said.push(text)
    else if (role === 'user') texts.push(text)
    else throw new Unusable(`${where}: the roles of an item are system and user, got ${described(role)}`)
  }
  const pictures = picturesOf(images, where)
  const whole = texts.join('\n')
  const count = whole.split(IMAGE).length - 1
  if (count !== pictures.length)
    throw new Unusable(`${where}: ${count} times ${IMAGE} for ${pictures.length} pictures`)
  const text = whole.replace(new RegExp(`^(?:${IMAGE}\\s*)+`), '')
  if (text.includes(IMAGE)) moved()
  return {
    ...(said.length > 0 && { instruction: said.join('\n') }),
    text: text.replaceAll(IMAGE, ''),
    pictures,
  }
}

function contentOf(content: unknown, where: string): string {
  const text = textIn(content)
  if (text === undefined) throw new Unusable(`${where}: a message has no content`)
  return text
}

/** A picture is a path, or an object with it. */
function picturesOf(value: unknown, where: string): WrittenPicture[] {
  try {
    return picturesIn(value)
  } catch (cause) {
    throw cause instanceof Unusable ? new Unusable(`${where}: ${cause.message}`, { cause }) : cause
  }
}

function listIn(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new Unusable(`${where}: expected a list, got ${described(value)}`)
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null
}
