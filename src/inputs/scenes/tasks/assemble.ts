/**
 * @file From drafts (query, positive, hard negatives) to the rows of a task: splits, pools,
 * candidate lists.
 */

import { fnv1a32, type Random, shuffle, stream } from '../../../foundation/numeric/random.ts'
import type { KeyedItem } from '../../data/item.ts'
import type { Row, Task } from '../../data/task.ts'
import type { SceneUse } from '../scene.ts'
import type { World } from '../world.ts'
import type { Limits, SceneItem, Shift } from './task.ts'

/** The seed of every split and task of the embedded pictures (specs/embedded-data.md §4.3, §5). */
export const TASK_SEED = 20260206

/** A candidate and what it means: two candidates of one meaning are never in one list. */
export interface Candidate {
  item: SceneItem
  meaning: string
}

export interface Draft {
  query: SceneItem
  /**
   * The subject of the row. No two drafts of a task share it. The dev split goes by it, so a
   * content lies on one side.
   */
  content: string
  positive: Candidate
  hard?: readonly Candidate[]
  cluster: string
  /** Restricts the fillers of this row to those of its own kind, e.g. one drawing style. */
  shelf?: string
  /** Whether the score "apart" compares the positive with the first hard candidate. */
  apart?: boolean
}

/** Wrong answers that rows are filled up with, by shelf. */
export type Fillers = (shelf: string) => readonly Candidate[]

export interface TaskPlan extends Pick<Task, 'name' | 'metaTask' | 'reason'> {
  shift: Shift
  /** Whether the task has training and dev rows. */
  trained: boolean
  /**
   * Up to `count` drafts, deterministic in `random`; fewer where the world has no more.
   * Drafts for `train` show nothing reserved, withheld or held out.
   */
  drafts(world: World, use: SceneUse, count: number, random: Random): Draft[]
  /** Default: the candidates of the other drafts. */
  fillers?(world: World, use: SceneUse): Fillers
}

/** Every draft's positive and hard negatives, one a meaning: they are embedded anyway. */
function candidatesAsFillers(drafts: readonly Draft[]): Fillers {
  const all = drafts.flatMap(({ positive, hard = [] }) => [positive, ...hard])
  const byMeaning = [...new Map(all.map((candidate) => [candidate.meaning, candidate])).values()]
  return () => byMeaning
}

/**
 * The positive, its hard candidates, then fillers of other meanings in an order of the row's own.
 */
function candidateList(draft: Draft, fillers: Fillers, most: number, random: Random): SceneItem[] {
  const meanings = new Set<string>()
  const items: SceneItem[] = []
  const add = ({ item, meaning }: Candidate) => {
    if (items.length >= most || meanings.has(meaning)) return
    meanings.add(meaning)
    items.push(item)
  }
  add(draft.positive)
  for (const candidate of draft.hard ?? []) add(candidate)
  for (const candidate of shuffle([...fillers(draft.shelf ?? '')], random)) add(candidate)
  return items
}

/** A tenth of the training contents, by hash. */
function isDev(name: string, content: string): boolean {
  return fnv1a32(`dev ${name} ${content}`) % 10 === 0
}

/** How much of a plan is built, and how its scenes become items. */
export interface AssembleOptions {
  limits: Limits
  /** Equal items are one object. */
  itemOf(item: SceneItem): KeyedItem
}

/** Builds the rows of a plan. */
export function assemble(plan: TaskPlan, world: World, { limits, itemOf }: AssembleOptions): Task {
  const { name, metaTask, shift, reason } = plan
  const rowOf = (label: string, index: number, draft: Draft, candidates: readonly SceneItem[]): Row => ({
    id: `${name}/${label}/${index}`,
    query: itemOf(draft.query),
    candidates: candidates.map(itemOf),
    positive: 0,
    cluster: draft.cluster,
    ...(draft.apart && { hardIndex: 1 }),
  })
  const rows = (use: SceneUse, label: string, drafts: readonly Draft[], fillers: Fillers) =>
    drafts.map((draft, i) =>
      rowOf(
        label,
        i,
        draft,
        candidateList(draft, fillers, limits.candidates, stream(TASK_SEED, world.name, name, use, label, i)),
      ),
    )
  const draw = (use: SceneUse, count: number) =>
    plan.drafts(world, use, count, stream(TASK_SEED, world.name, name, use))
  const fillersFor = (use: SceneUse, drafts: readonly Draft[]) =>
    plan.fillers?.(world, use) ?? candidatesAsFillers(drafts)
  const tested = draw('test', limits.test)
  const test = rows('test', 'test', tested, fillersFor('test', tested))
  const trained = plan.trained ? draw('train', limits.train) : []
  const forDev = trained.filter((draft) => isDev(name, draft.content)).slice(0, limits.dev)
  const forTraining = trained.filter((draft) => !isDev(name, draft.content))
  const train = forTraining.map((draft, i) =>
    rowOf(
      'train',
      i,
      draft,
      [draft.positive, ...(draft.hard ?? [])].map((candidate) => candidate.item),
    ),
  )
  const sizes = test.map((row) => row.candidates.length)
  const chance = sizes.reduce((sum, size) => sum + 1 / size, 0) / sizes.length
  const dev = rows('train', 'dev', forDev, fillersFor('train', trained))
  return { name, metaTask, domain: shift === 'in' ? 'in' : 'out', shift, reason, chance, train, dev, test }
}
