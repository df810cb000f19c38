/** @file Parquet files with nested columns, for tests. */

import { parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer'

/** The form of a column: text, bytes, a list, or an object of named members. */
export type Form = 'text' | 'bytes' | 'number' | { list: Form } | { struct: Readonly<Record<string, Form>> }

export interface WrittenColumn {
  name: string
  form: Form
  data: readonly unknown[]
}

/**
 * The bytes of a file.
 * @param rowGroupSize rows of each row group; default: all in one
 * @param pageSize bytes of a page, about
 */
export function parquetOf(
  columns: readonly WrittenColumn[],
  rowGroupSize?: number,
  pageSize?: number,
): Uint8Array {
  const root: SchemaElement = { name: 'root', num_children: columns.length }
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [root, ...columns.flatMap(({ name, form }) => elements(name, form))],
      columnData: columns.map(({ name, data }) => ({ name, data: [...data] })),
      ...(rowGroupSize !== undefined && { rowGroupSize }),
      ...(pageSize !== undefined && { pageSize }),
    }),
  )
}

function elements(name: string, form: Form): SchemaElement[] {
  const optional = { name, repetition_type: 'OPTIONAL' } as const
  if (form === 'text') return [{ ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8' }]
  if (form === 'bytes') return [{ ...optional, type: 'BYTE_ARRAY' }]
  if (form === 'number') return [{ ...optional, type: 'DOUBLE' }]
  if ('list' in form)
    return [
      { ...optional, converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elements('element', form.list),
    ]
  const members = Object.entries(form.struct)
  return [
    { ...optional, num_children: members.length },
    ...members.flatMap(([member, own]) => elements(member, own)),
  ]
}
