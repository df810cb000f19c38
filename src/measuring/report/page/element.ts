/**
 * @file Building the page: elements from names, attributes and children. Text always goes in as
 * text, never as markup.
 */

export type Child = Node | string | null

/** An HTML element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  for (const child of children) if (child !== null) element.append(child)
  return element
}

/** A titled part of the page; `id` is its anchor. */
export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  return h(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    h('h2', { id: `${id}-title` }, title),
    ...children,
  )
}

/** A list under a head; nothing where it is empty. */
export function noteList(title: string, lines: readonly string[]): HTMLElement | null {
  if (lines.length === 0) return null
  return h(
    'div',
    { class: 'notes' },
    h('h3', {}, title),
    h('ul', {}, ...lines.map((line) => h('li', {}, line))),
  )
}

/** A wide table in a box that scrolls sideways by itself, by touch or keyboard. */
export function scrolling(label: string, table: HTMLTableElement): HTMLElement {
  return h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: '0' }, table)
}

/** Content that a click opens. */
export function more(summary: string, ...children: Child[]): HTMLElement {
  return h('details', {}, h('summary', {}, summary), ...children)
}
