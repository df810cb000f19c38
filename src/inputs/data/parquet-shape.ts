/**
 * @file The columns of a Parquet file: the kind of value that each type stands for, and the values
 * converted to that kind.
 */

import { isUtf8 } from 'node:buffer'
import type { SchemaElement, SchemaTree } from 'hyparquet'
import { isListLike } from 'hyparquet/src/schema.js'
import { type Field, namesOf } from './columns.ts'
import { ItemError } from './errors.ts'

/** The kinds of values that a field can be read from. */
type Kind = 'text' | 'bytes' | 'integer' | 'unsigned' | 'number' | 'uuid' | 'decimal' | 'null'

export type Shape =
  | { form: 'leaf'; kind: Kind; scale: number }
  | { form: 'struct'; members: ReadonlyMap<string, Shape> }
  | { form: 'list'; of: Shape }
  /** Values that no field can be read from, named in the plural. */
  | { form: 'other'; words: string }

/** The shape of a column. */
export function shapeOf(tree: SchemaTree): Shape {
  const { element, children } = tree
  if (element.repetition_type === 'REPEATED') return { form: 'other', words: 'repeated values' }
  if (children.length === 0) return leafOf(element)
  if (element.converted_type === 'MAP') return { form: 'other', words: 'maps' }
  if (element.logical_type?.type === 'VARIANT') return { form: 'other', words: 'variants' }
  if (isListLike(tree)) {
    const inner = children[0]!
    if (inner.children.length !== 1) return { form: 'list', of: leafOf(inner.element) }
    return { form: 'list', of: shapeOf(inner.children[0]!) }
  }
  return { form: 'struct', members: new Map(children.map((child) => [child.element.name, shapeOf(child)])) }
}

const INTEGERS = new Set(['INT_8', 'INT_16', 'INT_32', 'INT_64', 'UINT_8', 'UINT_16', 'UINT_32', 'UINT_64'])
/** Columns that are no field, by their mark. */
const OTHERS: Readonly<Record<string, string>> = {
  DATE: 'dates',
  TIME: 'times of day',
  TIME_MILLIS: 'times of day',
  TIME_MICROS: 'times of day',
  TIMESTAMP: 'timestamps',
  TIMESTAMP_MILLIS: 'timestamps',
  TIMESTAMP_MICROS: 'timestamps',
  INTERVAL: 'spans of time',
  JSON: 'JSON',
  BSON: 'BSON',
  FLOAT16: 'numbers of 16 bits',
  GEOMETRY: 'geometries',
  GEOGRAPHY: 'geographies',
}

function leafOf({ type, converted_type: converted, logical_type: logical, scale }: SchemaElement): Shape {
  const leaf = (kind: Kind): Shape => ({ form: 'leaf', kind, scale: scale ?? 0 })
  const marks = [logical?.type, converted].filter((mark) => mark !== undefined)
  const has = (...names: string[]) => marks.some((mark) => names.includes(mark))
  if (has('NULL')) return leaf('null')
  if (has('UUID')) return leaf('uuid')
  if (has('DECIMAL')) return leaf('decimal')
  if (type === 'BYTE_ARRAY' && has('UTF8', 'STRING', 'ENUM')) return leaf('text')
  const other = marks.map((mark) => OTHERS[mark]).find((words) => words !== undefined)
  if (other !== undefined) return { form: 'other', words: other }
  if (type === 'INT32' || type === 'INT64') {
    if (marks.some((mark) => mark !== 'INTEGER' && !INTEGERS.has(mark)))
      return { form: 'other', words: `values marked ${marks.join(', ')}` }
    const unsigned =
      converted?.startsWith('UINT') || (logical?.type === 'INTEGER' && !logical.isSigned) || false
    return leaf(unsigned ? 'unsigned' : 'integer')
  }
  if (marks.length > 0) return { form: 'other', words: `values marked ${marks.join(', ')}` }
  if (type === 'FLOAT' || type === 'DOUBLE') return leaf('number')
  if (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY') return leaf('bytes')
  return { form: 'other', words: type === 'BOOLEAN' ? 'booleans' : 'timestamps' }
}

const IDS: readonly Kind[] = ['text', 'integer', 'unsigned', 'number', 'uuid', 'decimal', 'null']
const PICTURES: readonly Kind[] = ['text', 'bytes', 'null']

/**
 * Checks that a column can be read as a field.
 * @throws ItemError `data/columns`
 */
export function checkShape(name: string, [field, column]: readonly [Field, string], shape: Shape): void {
  if (field === 'image' ? isPicture(shape) : isLeafOf(shape, field === 'id' ? IDS : ['text', 'null'])) return
  const bytes = isLeafOf(shape, ['bytes'])
  throw new ItemError('columns', {
    message: `${name}: the column ${namesOf([column])} holds ${wordsOf(shape)}, expected ${EXPECTED[field]}`,
    hint: field === 'text' && bytes ? BYTES_HINT : HINTS[field],
  })
}

const EXPECTED: Readonly<Record<Field, string>> = {
  id: 'text or numbers',
  instruction: 'text',
  text: 'text',
  image: 'paths, bytes of pictures, or { bytes, path }',
}
const HINTS: Readonly<Record<Field, string>> = {
  id: 'Name another column with --columns id=NAME, or do without ids: name the others only, as in --columns text=NAME.',
  instruction:
    'Name another column with --columns instruction=NAME, or name the others only, as in --columns text=NAME.',
  text: 'Name the column that holds the text: --columns text=NAME.',
  image: 'Name the column that holds the pictures: --columns image=NAME; or name the others only.',
}
const BYTES_HINT =
  'If they are pictures: --columns image=NAME. If they are text, write the column as text; in pandas: table[column].str.decode("utf-8").'

function isPicture(shape: Shape): boolean {
  if (shape.form === 'list') return shape.of.form !== 'list' && isPicture(shape.of)
  if (shape.form !== 'struct') return isLeafOf(shape, PICTURES)
  const [bytes, path] = [shape.members.get('bytes'), shape.members.get('path')]
  if (bytes === undefined && path === undefined) return false
  return isOptional(bytes, ['bytes', 'null']) && isOptional(path, ['text', 'null'])
}

function isOptional(shape: Shape | undefined, kinds: readonly Kind[]): boolean {
  return shape === undefined || isLeafOf(shape, kinds)
}

function isLeafOf(shape: Shape, kinds: readonly Kind[]): boolean {
  return shape.form === 'leaf' && kinds.includes(shape.kind)
}

const WORDS: Readonly<Record<Kind, string>> = {
  text: 'text',
  bytes: 'bytes without a mark that they are text',
  integer: 'whole numbers',
  unsigned: 'whole numbers',
  number: 'numbers',
  uuid: 'UUIDs',
  decimal: 'decimal numbers',
  null: 'nothing',
}

function wordsOf(shape: Shape): string {
  if (shape.form === 'other') return shape.words
  if (shape.form === 'leaf') return WORDS[shape.kind]
  if (shape.form === 'list') return `lists of ${wordsOf(shape.of)}`
  const members = [...shape.members].map(([name, member]) => `${name} (${wordsOf(member)})`)
  return `objects with ${members.join(', ')}`
}

/**
 * Converts a stored value to what its shape says. A text that is no UTF-8 stays bytes.
 * @param stored as the file has it: bytes, numbers, lists and objects of them, or null
 */
export function interpreted(shape: Shape, stored: unknown): unknown {
  if (stored === null || stored === undefined) return null
  if (shape.form === 'list')
    return Array.isArray(stored) ? stored.map((one) => interpreted(shape.of, one)) : stored
  if (shape.form === 'struct' && typeof stored === 'object') {
    const values = new Map<string, unknown>(Object.entries(stored))
    return Object.fromEntries(
      [...shape.members].map(([name, member]) => [name, interpreted(member, values.get(name))]),
    )
  }
  return shape.form === 'leaf' ? leafValue(shape, stored) : stored
}

function leafValue({ kind, scale }: { kind: Kind; scale: number }, stored: unknown): unknown {
  if (kind === 'null') return null
  if (kind === 'decimal') return decimal(wholeOf(stored), scale)
  if (stored instanceof Uint8Array) {
    if (kind === 'text' && isUtf8(stored)) return Buffer.from(stored).toString()
    return kind === 'uuid' ? uuid(stored) : stored
  }
  if (kind !== 'unsigned') return stored
  return typeof stored === 'bigint' ? BigInt.asUintN(64, stored) : Number(stored) >>> 0
}

function uuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Of a number, or of bytes: two's complement, the highest first. */
function wholeOf(stored: unknown): bigint {
  if (!(stored instanceof Uint8Array)) return BigInt(Number(stored) === stored ? stored : String(stored))
  if (stored.length === 0) return 0n
  return BigInt.asIntN(8 * stored.length, BigInt(`0x${Buffer.from(stored).toString('hex')}`))
}

/** All digits: as a binary fraction, 0.1 would be another number. */
function decimal(whole: bigint, scale: number): string {
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return whole < 0n ? `-${text}` : text
}
