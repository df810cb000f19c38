/**
 * @file Clusters of near-equal concepts and the split into training and held-out ones
 * (specs/embedded-data.md §4.2–4.3).
 */

import { mulberry32, shuffle } from '../../src/foundation/numeric/random.ts'
import { rmsDifference } from '../../src/inputs/scenes/area.ts'
import type { Selected } from './select.ts'

const SPLIT_SEED = 20260206
const HELD_OUT_SHARE = 0.2
/**
 * Larger clusters (clock faces, smiling faces) stay in training: held out, one would take a group's
 * whole share.
 */
const LARGEST_HELD_OUT = 12
const LIMIT_SAME_SUBGROUP = 0.06
const LIMIT_ACROSS = 0.04

const QUALIFIER =
  /^(?:red|orange|yellow|green|blue|purple|pink|brown|black|white|grey|gray|light|dark|small|large|big|medium|mini|heavy) /

/**
 * The label without what tells variants of one thing apart: "green apple" → "apple", "envelope with
 * arrow" → "envelope".
 */
function stem(label: string): string {
  const short = label.replace(/ face$/, '').replace(/ (?:with|in) .*$/, '')
  return short.replace(QUALIFIER, '')
}

/**
 * @param thumbnails per style A–D, per concept: `[16, 16, 3] f32`
 * @returns the cluster of each concept: the position of its first member
 */
export function clusterConcepts(
  concepts: readonly Selected[],
  thumbnails: readonly (readonly Float32Array[])[],
): number[] {
  const parents = concepts.map((_, i) => i)
  const root = (i: number): number => {
    while (parents[i] !== i) i = parents[i]!
    return i
  }
  const unite = (a: number, b: number) => {
    const [low, high] = [root(a), root(b)].sort((x, y) => x - y)
    parents[high!] = low!
  }
  const stems = new Map<string, number>()
  for (let i = 0; i < concepts.length; i++) {
    const key = `${concepts[i]!.subgroup.split(' ')[0]} ${stem(concepts[i]!.label)}`
    const seen = stems.get(key)
    if (seen === undefined) stems.set(key, i)
    else unite(seen, i)
    for (let j = 0; j < i; j++) {
      const limit = concepts[i]!.subgroup === concepts[j]!.subgroup ? LIMIT_SAME_SUBGROUP : LIMIT_ACROSS
      if (thumbnails.some((style) => rmsDifference(style[i]!, style[j]!, limit) < limit)) unite(i, j)
    }
  }
  return concepts.map((_, i) => root(i))
}

/** Whole clusters, shuffled per group, until a fifth of the group is held out. */
export function heldOutClusters(concepts: readonly Selected[], clusters: readonly number[]): Set<number> {
  const random = mulberry32(SPLIT_SEED)
  const sizes = new Map<number, number>()
  for (const cluster of clusters) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1)
  const groups = [...new Set(concepts.map((concept) => concept.group))]
  const heldOut = new Set<number>()
  for (const group of groups) {
    const wanted = HELD_OUT_SHARE * concepts.filter((concept) => concept.group === group).length
    const own = [...sizes.keys()].filter(
      (cluster) => concepts[cluster]!.group === group && sizes.get(cluster)! <= LARGEST_HELD_OUT,
    )
    let taken = 0
    for (const cluster of shuffle(own, random)) {
      if (taken >= wanted) break
      heldOut.add(cluster)
      taken += sizes.get(cluster)!
    }
  }
  return heldOut
}
