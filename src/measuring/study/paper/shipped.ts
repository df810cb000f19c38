/** @file The factor table that ships with the twins, for studies whose own run is one seed. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../../foundation/files/file.ts'
import { shippedPackage } from '../../../foundation/files/shipped.ts'
import { TWIN_TRAINING } from '../../../learning/pretraining/recipe.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import { fingerprintParts, openSubject } from '../../../models/embedder/subject.ts'
import { effectScope, type Factors, type ShippedEffect } from '../../report/factors.ts'
import { points, pointsRange } from '../../report/format.ts'
import { excludesZero } from '../../report/lookup.ts'
import type { StudySetting } from '../options.ts'
import type { Studied } from '../outcome.ts'
import { EQUALS, type FactorEffect } from './factors.ts'
import { designedArms, PAPER_PLAN } from './plan.ts'
import { measuredSchema, type PaperMeasured } from './results.ts'
import { COVERS, effectName } from './words.ts'

const FILE = 'paper.json'

const effects = z.array(
  z.object({
    factors: z.array(z.enum(['objective', 'pictures', 'mask'])),
    equal: z.enum(EQUALS).optional(),
    scope: z.object(effectScope),
    interval: z.object({ value: z.number(), low: z.number(), high: z.number() }),
    drawn: z.enum(['pretraining', 'tuning', 'nothing']),
  }),
)
const shippedSchema = measuredSchema.extend({ effects: z.object({ untuned: effects, tuned: effects }) })

type ReadEffect = Pick<FactorEffect, 'factors' | 'scope' | 'drawn'> & Pick<ShippedEffect, 'interval'>

/**
 * The table beside a study of one seed, where all its models are shipped twins, two or more;
 * otherwise undefined.
 * @throws FileError for a damaged file
 */
export async function factorsBeside(
  studied: readonly Pick<Studied, 'role'>[],
  { name, tune }: Pick<StudySetting, 'name' | 'tune'>,
  folder?: string,
): Promise<Factors | undefined> {
  const isOfTwins = studied.length > 1 && studied.every(({ role }) => role === 'twin')
  return name === 'quick' && isOfTwins ? await shippedFactors(tune ? 'tuned' : 'untuned', folder) : undefined
}

/**
 * The shipped table; undefined where none ships, or none of its effects can be computed.
 * @param state  of the study's models: the sentence is about models in the same state
 * @param folder holds `paper.json`; default: the package of the twins
 * @throws FileError for a damaged file
 */
export async function shippedFactors(
  state: ShippedEffect['state'],
  folder: string | undefined = shippedPackage(),
): Promise<Factors | undefined> {
  const path = fileIn(folder)
  if (path === undefined) return undefined
  const { command, runs, effects } = await readJson(path, shippedSchema)
  const main = effects[state].filter(
    ({ factors, equal, scope }) =>
      factors.length === 1 && equal === undefined && scope.metaTask === 'all' && scope.domain === 'all',
  )
  if (main.length === 0) return undefined
  const how = state === 'tuned' ? 'tuned alike' : 'as pretrained'
  return {
    command,
    sentence: `Over seeds and all tasks, ${how}: ${main.map(effectClause).join('; ')}.`,
    state,
    models: modelsBehind(runs),
    effects: (['tuned', 'untuned'] as const).flatMap((own) =>
      effects[own].map(({ factors, equal, scope, interval, drawn }) => ({
        effect: effectName({ factors, equal }),
        state: own,
        ...scope,
        interval,
        covers: COVERS[drawn],
      })),
    ),
  }
}

function effectClause({ factors, interval, drawn }: ReadEffect): string {
  const size = `${points(interval.value)} points of hit@1`
  const covers = drawn === 'pretraining' ? '' : `; covers ${COVERS[drawn]}`
  const range = `95 %: ${pointsRange(interval)}${covers}`
  return excludesZero(interval)
    ? `${effectName({ factors })}, ${size} (${range})`
    : `${effectName({ factors })}, cannot be told (${size}; ${range})`
}

/** Pretrained models behind the table, under their own mask, in the order of the runs. */
function modelsBehind(runs: PaperMeasured['runs']): Factors['models'] {
  const inTable = designedArms(PAPER_PLAN).flatMap(({ name, cell }) => (cell === undefined ? [] : [name]))
  const behind = runs.filter(
    ({ arm, mask, condition, share }) =>
      inTable.includes(arm) && mask === 'native' && condition === 'plain' && share === 1,
  )
  const models = new Map<string, Factors['models'][number]>()
  for (const { arm, pretraining, tuning, model: hash } of behind) {
    const key = `${arm} ${pretraining}`
    const known = models.get(key)
    if (known === undefined) models.set(key, { model: arm, pretraining, tunings: [tuning], hash })
    else known.tunings.push(tuning)
  }
  return [...models.values()]
}

/**
 * Says of which twins the shipped results came from other weights than those at hand: the same
 * training on another processor differs in its last bits.
 * @param twins  pretrained with the seed of the recipe, by name
 * @param folder holds `paper.json`; default: the package of the twins
 * @throws FileError for a damaged file; as `openSubject`
 */
export async function otherWeights(
  twins: readonly { readonly name: string; readonly dir: string }[],
  folder: string | undefined = shippedPackage(),
): Promise<string[]> {
  const path = fileIn(folder)
  if (path === undefined) return []
  const { runs } = await readJson(path, measuredSchema)
  const words: string[] = []
  for (const { name, dir } of twins) {
    const recorded = runs.find(
      ({ arm, pretraining, mask, condition }) =>
        arm === name && pretraining === TWIN_TRAINING.seed && mask === 'native' && condition === 'plain',
    )
    if (recorded === undefined) continue
    const own = await contentHashOf(fingerprintParts(await openSubject(dir, { device: 'cpu' })))
    if (own !== recorded.model)
      words.push(
        `${name}: the shipped results came from other weights (${short(recorded.model)}, here ${short(own)}); ` +
          'the same training on another processor differs in the last bits',
      )
  }
  return words
}

/** Where the shipped results are; undefined where none ship. */
function fileIn(folder: string | undefined): string | undefined {
  const path = folder === undefined ? undefined : join(folder, FILE)
  return path !== undefined && existsSync(path) ? path : undefined
}

const short = (hash: string) => hash.slice(0, 12)
