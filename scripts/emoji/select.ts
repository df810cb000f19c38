/**
 * @file Which emoji become concepts (specs/embedded-data.md §4.1), and which icon draws each in
 * each set.
 */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { z } from 'zod'
import type { StyleName } from '../../src/inputs/scenes/concepts.ts'

const require = createRequire(import.meta.url)

const emojiSchema = z.array(
  z.object({
    hexcode: z.string(),
    label: z.string(),
    tags: z.array(z.string()).optional(),
    group: z.number().optional(),
    subgroup: z.number().optional(),
    gender: z.number().optional(),
  }),
)
const groupsSchema = z.object({
  groups: z.record(z.string(), z.string()),
  subgroups: z.record(z.string(), z.string()),
})
const iconSchema = z.object({
  body: z.string(),
  left: z.number().optional(),
  top: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
})
const aliasSchema = z.object({
  parent: z.string(),
  left: z.number().optional(),
  top: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
})
const setSchema = z.object({
  icons: z.record(z.string(), iconSchema),
  aliases: z.record(z.string(), aliasSchema).optional(),
  width: z.number().optional(),
  height: z.number().optional(),
})
const charsSchema = z.record(z.string(), z.string())

/** A drawing as SVG: the body and its view box. */
export interface Drawing {
  body: string
  left: number
  top: number
  width: number
  height: number
}

/** An Iconify set: drawings by name (aliases followed) and names by code point. */
export interface IconSet {
  /** Code points without FE0F → icon name; empty for sets that publish none. */
  names: Map<string, string>
  drawing(name: string): Drawing | undefined
}

/** The npm package under `@iconify-json/` that draws each style. */
export const PACKAGES: { readonly [S in StyleName]: string } = {
  painted: 'noto',
  flat: 'twemoji',
  outlined: 'openmoji',
  rounded: 'fluent-emoji-flat',
  glossy: 'emojione',
  blob: 'noto-v1',
}

async function readJson<T>(specifier: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(require.resolve(specifier), 'utf8')))
}

/**
 * Code points joined by `-`, lower case, without the emoji presentation selector: the key that both
 * sources agree on.
 */
function joinKey(hexcode: string): string {
  return hexcode
    .toLowerCase()
    .split('-')
    .filter((point) => point !== 'fe0f')
    .join('-')
}

export async function loadIconSet(name: string): Promise<IconSet> {
  const set = await readJson(`@iconify-json/${name}/icons.json`, setSchema)
  const chars = await readJson(`@iconify-json/${name}/chars.json`, charsSchema)
  const names = new Map(Object.entries(chars).map(([hex, icon]) => [joinKey(hex), icon]))
  return {
    names,
    drawing(icon) {
      const alias = set.aliases?.[icon]
      const parent = set.icons[alias?.parent ?? icon]
      if (parent === undefined) return undefined
      const {
        body,
        left = 0,
        top = 0,
        width = set.width ?? 16,
        height = set.height ?? 16,
      } = { ...parent, ...alias }
      return { body, left, top, width, height }
    },
  }
}

/** An emoji that all four training styles draw. */
export interface Selected {
  hex: string
  label: string
  tags: string[]
  group: string
  subgroup: string
  drawings: { [S in StyleName]?: Drawing }
}

const slug = (label: string) =>
  label
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

/**
 * "man X" and "woman X" where "X" or "person X" exists, the gendered sequences, and mirrored
 * doubles.
 */
function isDouble(label: string, hex: string, labels: ReadonlySet<string>): boolean {
  if (/-200d-(2640|2642)$/.test(hex) || label.endsWith(' facing right')) return true
  const rest = /^(?:man|woman)(:? .+)$/.exec(label)?.[1]
  return rest !== undefined && (labels.has(rest.trim()) || labels.has(`person${rest}`))
}

/**
 * The concepts in Unicode's order, with a drawing per style; `glossy` and `blob` where a name
 * matches exactly one concept.
 */
export async function selectEmoji(): Promise<Selected[]> {
  const emoji = await readJson('emojibase-data/en/data.json', emojiSchema)
  const { groups, subgroups } = await readJson('emojibase-data/meta/groups.json', groupsSchema)
  const sets = {
    painted: await loadIconSet(PACKAGES.painted),
    flat: await loadIconSet(PACKAGES.flat),
    outlined: await loadIconSet(PACKAGES.outlined),
    rounded: await loadIconSet(PACKAGES.rounded),
  }
  const labels = new Set(emoji.map((entry) => entry.label))
  const selected: Selected[] = []
  const notoNames: string[] = []
  for (const entry of emoji) {
    const hex = joinKey(entry.hexcode)
    const group = groups[String(entry.group)]
    const subgroup = subgroups[String(entry.subgroup)]
    if (group === undefined || subgroup === undefined || group === 'component' || group === 'flags') continue
    if (entry.gender !== undefined || isDouble(entry.label, hex, labels)) continue
    const drawings: Selected['drawings'] = {}
    for (const style of ['painted', 'flat', 'outlined', 'rounded'] as const) {
      const name = sets[style].names.get(hex)
      const drawing = name === undefined ? undefined : sets[style].drawing(name)
      if (drawing !== undefined) drawings[style] = drawing
    }
    if (Object.keys(drawings).length < 4) continue
    notoNames.push(sets.painted.names.get(hex)!)
    selected.push({
      hex,
      label: entry.label,
      tags: entry.tags ?? [],
      group: group.replace('-', ' and '),
      subgroup: subgroup.replaceAll('-', ' '),
      drawings,
    })
  }
  for (const style of ['glossy', 'blob'] as const) await addByName(selected, notoNames, style)
  return selected
}

/**
 * Sets without code points are matched by noto's name or the label; a name claimed twice is
 * nobody's.
 */
async function addByName(selected: Selected[], notoNames: string[], style: 'glossy' | 'blob'): Promise<void> {
  const set = await loadIconSet(PACKAGES[style])
  const claims = new Map<string, Selected[]>()
  selected.forEach((concept, i) => {
    const drawn = [notoNames[i]!, slug(concept.label)].find((name) => set.drawing(name) !== undefined)
    if (drawn !== undefined)
      claims.set(set.drawing(drawn)!.body, [...(claims.get(set.drawing(drawn)!.body) ?? []), concept])
    if (drawn !== undefined) concept.drawings[style] = set.drawing(drawn)!
  })
  for (const sharers of claims.values())
    if (sharers.length > 1) for (const concept of sharers) delete concept.drawings[style]
}
