/**
 * @file A figure as a file, SVG or PNG: its charts, maps, titles and keys where they stand on the
 * page, in colours that need no style sheet.
 */

import { save } from './download.ts'
import { h } from './element.ts'

const SVG = 'http://www.w3.org/2000/svg'
/** Pixels of a PNG for each pixel of the page. */
const SCALE = 2

/** Two buttons, for a figure that has a chart or a map. */
export function pictureButtons(figure: HTMLElement, title: string): HTMLElement | null {
  if (figure.querySelector('.chart, canvas') === null) return null
  const name = title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, 60)
  const button = (kind: 'SVG' | 'PNG', act: () => Promise<Blob> | Blob) => {
    const made = h('button', { type: 'button', class: 'plain' }, kind)
    made.title = `Save this figure as ${kind}`
    made.addEventListener('click', async () => save(`${name}.${kind.toLowerCase()}`, await act()))
    return made
  }
  return h(
    'div',
    { class: 'saves' },
    button('SVG', () => new Blob([figureSvg(figure).text], { type: 'image/svg+xml' })),
    button('PNG', () => figurePng(figure)),
  )
}

interface FigureSvg {
  readonly text: string
  readonly width: number
  readonly height: number
}

function figureSvg(figure: HTMLElement): FigureSvg {
  const frame = figure.getBoundingClientRect()
  const end = figure.querySelector(':scope > .saves')?.getBoundingClientRect().top ?? frame.bottom
  const [width, height] = [Math.ceil(frame.width), Math.ceil(end - frame.top)]
  const root = element('svg', { width, height, viewBox: `0 0 ${width} ${height}` })
  root.append(element('rect', { width, height, fill: resolved(figure, 'var(--paper)') }))
  const at = (inner: Element) => {
    const { left, top, width, height } = inner.getBoundingClientRect()
    return { x: left - frame.left, y: top - frame.top, width, height }
  }
  for (const words of figure.querySelectorAll<HTMLElement>('.figure-title, .panel-title, .key span')) {
    const { x, y, height } = at(words)
    const { color, fontSize, fontWeight } = getComputedStyle(words)
    const swatch = words.querySelector('i')
    const text = element('text', {
      x: x + (swatch === null ? 0 : at(swatch).width + 8),
      y: y + height / 2,
      fill: color,
      'font-size': fontSize,
      'font-weight': fontWeight,
      'font-family': 'system-ui, sans-serif',
      'dominant-baseline': 'central',
    })
    text.textContent = wordsOf(words)
    root.append(text)
    if (swatch !== null) root.append(...swatchMarks(swatch, at(swatch)))
  }
  for (const chart of figure.querySelectorAll<SVGSVGElement>('.chart svg'))
    root.append(frozen(chart, at(chart)))
  for (const canvas of figure.querySelectorAll('canvas'))
    root.append(element('image', { ...at(canvas), href: canvas.toDataURL() }))
  return { text: new XMLSerializer().serializeToString(root), width, height }
}

/** The words that are seen: of a menu the chosen one. */
function wordsOf(words: HTMLElement): string {
  return [...words.childNodes]
    .map((node) =>
      node instanceof HTMLSelectElement
        ? (node.selectedOptions[0]?.textContent ?? '')
        : node instanceof HTMLElement && node.tagName === 'I' && !node.classList.contains('glyph')
          ? ''
          : (node.textContent ?? ''),
    )
    .filter((text) => text !== '')
    .join('  ')
}

function swatchMarks(
  swatch: HTMLElement,
  box: { x: number; y: number; width: number; height: number },
): Element[] {
  if (swatch.classList.contains('glyph')) return []
  const colour = resolved(swatch, 'var(--swatch)')
  const [cx, cy, r] = [box.x + box.width / 2, box.y + box.height / 2, 5]
  const stroke = { stroke: colour, 'stroke-width': 2, fill: 'none' }
  if (swatch.classList.contains('cross'))
    return [element('path', { d: `M${cx - 4},${cy - 4}l8,8m-8,0l8,-8`, ...stroke })]
  if (swatch.classList.contains('tick')) return [element('path', { d: `M${cx},${cy - 6}v12`, ...stroke })]
  const ring = swatch.classList.contains('ring')
  return [element('circle', { cx, cy, r: ring ? 4 : r, ...(ring ? stroke : { fill: colour }) })]
}

/** A copy whose colours are values: a file knows no variables of the page. */
function frozen(chart: SVGSVGElement, place: Record<string, number>): Element {
  const copy = chart.cloneNode(true)
  if (!(copy instanceof SVGSVGElement)) return element('g', {})
  const [own, copied] = [
    [chart, ...chart.querySelectorAll('*')],
    [copy, ...copy.querySelectorAll('*')],
  ]
  for (const [i, original] of own.entries()) {
    const style = getComputedStyle(original)
    for (const name of ['fill', 'stroke', 'color'] as const)
      if (original.getAttribute(name) !== null) copied[i]?.setAttribute(name, style[name])
  }
  copy.setAttribute('style', `color: ${getComputedStyle(chart).color}; font: 12px system-ui, sans-serif`)
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, String(value))
  return copy
}

async function figurePng(figure: HTMLElement): Promise<Blob> {
  const { text, width, height } = figureSvg(figure)
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
  await image.decode()
  const canvas = h('canvas', { width: String(SCALE * width), height: String(SCALE * height) })
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return await new Promise((made) => canvas.toBlob((blob) => made(blob ?? new Blob()), 'image/png'))
}

function element(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value))
  return made
}

/** A colour of the page as a value. */
function resolved(within: HTMLElement, colour: string): string {
  const probe = within.appendChild(h('b', { style: `color: ${colour}` }))
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
