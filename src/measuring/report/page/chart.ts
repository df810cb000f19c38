/**
 * @file Figures: charts that redraw at the width they have, with a caption that says how to read
 * them.
 */

import * as Plot from '@observablehq/plot'
import type { Interval } from '../results.ts'
import { h } from './element.ts'
import { pictureButtons } from './picture-file.ts'

/** Draws at a width in CSS pixels. */
export type Draw = (width: number) => Element

/** A chart that fills its box and redraws when the box changes. */
export function canvas(label: string, draw: Draw): HTMLElement {
  const box = h('div', { class: 'chart', role: 'img', 'aria-label': label })
  let drawn = 0
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0)
    if (width === 0 || width === drawn) return
    drawn = width
    box.replaceChildren(draw(width))
  }).observe(box)
  return box
}

/** A chart with its title and how to read it; it can be saved as a picture. */
export function figure(title: string, reading: string, ...content: HTMLElement[]): HTMLElement {
  const made = h('figure', {}, h('div', { class: 'figure-title' }, title), ...content)
  const buttons = pictureButtons(made, title)
  if (buttons !== null) made.append(buttons)
  made.append(h('figcaption', {}, reading))
  return made
}

/** An entry of a key: a swatch, or a sign, and a word. */
export interface KeyEntry {
  readonly label: string
  readonly colour: string
  /** Default: a dot. */
  readonly shape?: 'dot' | 'ring' | 'tick' | 'cross'
  /** A letter that stands for the mark. */
  readonly glyph?: string
}

export function key(entries: readonly KeyEntry[]): HTMLElement {
  return h(
    'div',
    { class: 'key' },
    ...entries.map(({ label, colour, shape = 'dot', glyph }) =>
      h(
        'span',
        {},
        glyph === undefined
          ? h('i', { class: `swatch ${shape}`, style: `--swatch: ${colour}`, 'aria-hidden': 'true' })
          : h('i', { class: 'glyph', style: `color: ${colour}`, 'aria-hidden': 'true' }, glyph),
        label,
      ),
    ),
  )
}

/** Options that every chart shares. */
const chartStyle = {
  background: 'transparent',
  color: 'var(--ink)',
  fontSize: '12px',
  fontFamily: 'inherit',
  overflow: 'visible',
}

/** Draws through Observable Plot with the shared style. */
export function plot(options: Plot.PlotOptions): Element {
  return Plot.plot({ style: chartStyle, ...options })
}

/**
 * Vertical shifts (pixels) that keep labels at `positions` at least `gap` apart, as near to their
 * places as a sweep can.
 */
export function separate(positions: number[], gap: number): number[] {
  const order = positions.map((_, index) => index).sort((i, j) => positions[i]! - positions[j]!)
  const placed = [...positions]
  for (let n = 1; n < order.length; n++) {
    const [above, below] = [order[n - 1]!, order[n]!]
    const overlap = gap - (placed[below]! - placed[above]!)
    if (overlap <= 0) continue
    placed[below] = placed[below]! + overlap
    // The group shifts back by half, so that it stays centred on where its labels belong.
    for (let m = 0; m <= n; m++) placed[order[m]!] = placed[order[m]!]! - overlap / (n + 1)
  }
  return placed.map((position, index) => position - positions[index]!)
}

/** The least and the largest of `values`, widened by a share of their span. */
export function padded(values: number[], share = 0.06): [number, number] {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const margin = (high - low || Math.abs(high) || 1) * share
  return [low - margin, high + margin]
}

/** Shares as per cent. */
export function percentages({ value, low, high }: Interval): Interval {
  return { value: 100 * value, low: 100 * low, high: 100 * high }
}
