/**
 * @file Tables that sort by a column: a press on its head sorts the rows of each group downwards,
 * the next press upwards, the third as they were.
 */

import { h } from './element.ts'

type Order = 'descending' | 'ascending' | 'none'

const NEXT = { none: 'descending', descending: 'ascending', ascending: 'none' } as const satisfies Record<
  Order,
  Order
>

/**
 * Makes the heads of a table's columns buttons.
 * @param table its cells have `data-value` where they have a number; rows of the class `mean` begin
 *   a group and stay where they are
 */
export function sortable(table: HTMLTableElement): HTMLTableElement {
  const body = table.tBodies[0]
  if (body === undefined) return table
  const rows = [...body.rows]
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])]
  for (const [column, head] of heads.entries()) {
    const button = h('button', { type: 'button', class: 'sort' }, ...head.childNodes)
    button.title = 'Sort by this column'
    head.replaceChildren(button)
    head.setAttribute('aria-sort', 'none')
    button.addEventListener('click', () => {
      const order = NEXT[orderOf(head)]
      for (const other of heads) other.setAttribute('aria-sort', 'none')
      head.setAttribute('aria-sort', order)
      body.replaceChildren(...groupsOf(rows).flatMap((group) => sorted(group, column, order)))
    })
  }
  return table
}

function orderOf(head: Element): Order {
  const order = head.getAttribute('aria-sort')
  return order === 'descending' || order === 'ascending' ? order : 'none'
}

/** Runs of rows between means, each mean alone. */
function groupsOf(rows: readonly HTMLTableRowElement[]): HTMLTableRowElement[][] {
  const groups: HTMLTableRowElement[][] = []
  for (const row of rows) {
    const fixed = row.classList.contains('mean')
    const last = groups.at(-1)
    if (fixed || last === undefined || last[0]?.classList.contains('mean')) groups.push([row])
    else last.push(row)
  }
  return groups
}

function sorted(group: readonly HTMLTableRowElement[], column: number, order: Order): HTMLTableRowElement[] {
  if (order === 'none') return [...group]
  const sign = order === 'descending' ? -1 : 1
  return group.toSorted((a, b) => sign * compared(a.cells[column], b.cells[column]))
}

/** Numbers by size, words by the alphabet; a cell without a value is less than any other. */
function compared(a: Element | undefined, b: Element | undefined): number {
  const [first, second] = [a, b].map((cell) => cell?.getAttribute('data-value') ?? '')
  if (first === '' || second === '') return Number(first !== '') - Number(second !== '')
  const [x, y] = [Number(first), Number(second)]
  return Number.isNaN(x) || Number.isNaN(y) ? String(first).localeCompare(String(second)) : x - y
}
