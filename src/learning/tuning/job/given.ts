/**
 * @file From a configuration file, a recipe and single settings to all settings: the given ones win
 * over the file's, the file's over the recipe's, and those over the defaults.
 */

import type { z } from 'zod'
import { readConfigFile } from '../../../foundation/files/config-file.ts'
import { checkSettings, keyName, type SettingPath } from '../../../foundation/files/settings.ts'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { recipes } from '../recipes.ts'
import {
  contradictionsIn,
  isLayer,
  joinedSettings,
  type Layer,
  type PrintedSettings,
  printedSettings,
  recipeNames,
  type TuneSettings,
  tuneSettings,
} from '../settings.ts'

export interface SettingSources {
  /** Path of a YAML or JSON file. */
  config?: string
  /** Single settings. */
  given?: Readonly<Record<string, unknown>>
  /** How a user gave a key of `given`: `--rank` for `train.rank`. */
  spelled?: (key: string) => string | undefined
}

/**
 * All settings of a tuning.
 * @throws UsageError `usage/config` for a key or value of the file, `usage/option` for a given one;
 *   FileError
 */
export async function settingsFrom(sources: SettingSources): Promise<TuneSettings> {
  return await checkedSettings(tuneSettings, sources)
}

/** The same where model, data and out may be absent: to be printed. */
export async function printableSettings(sources: SettingSources): Promise<PrintedSettings> {
  return await checkedSettings(printedSettings, sources)
}

async function checkedSettings<T extends PrintedSettings>(
  schema: z.ZodType<T>,
  { config, given = {}, spelled }: SettingSources,
): Promise<T> {
  const file = config === undefined ? undefined : await readConfigFile(config)
  const own = joinedSettings(withoutLength(file?.value ?? {}, given), given)
  const named = recipeNames.find((name) => name === own.recipe)
  const withRecipe = joinedSettings(
    named === undefined ? {} : withoutLength(recipes[named].settings, own),
    own,
  )
  const isGiven = (path: SettingPath) => holds(given, path)
  const checked = checkSettings(schema, withRecipe, (path) => {
    if (isGiven(path)) return spelled?.(keyName(path.filter((part) => typeof part === 'string')))
    return file && `${file.path}, line ${file.lineOf(path)}`
  })
  const problems = 'settings' in checked ? contradictionsIn(checked.settings) : []
  if ('settings' in checked && problems.length === 0) return checked.settings
  const { problems: words, hint } =
    'settings' in checked
      ? { problems: problems.join('; '), hint: 'Give settings that agree.' }
      : { ...checked, hint: missingHint(checked.missing, spelled) ?? checked.hint }
  throw new UsageError(file === undefined ? 'option' : 'config', { message: words, hint })
}

/** How the missing keys can be given; undefined where none is missing. */
function missingHint(missing: readonly string[], spelled: SettingSources['spelled']): string | undefined {
  if (missing.length === 0) return undefined
  const names = missing.map((key) => spelled?.(key) ?? key)
  const swallowed = names.includes('MODEL')
    ? ' A flag that takes several values, such as --data, takes every word behind it: put MODEL first.'
    : ''
  return `Give ${names.join(', ')}, or these keys in a configuration file.${swallowed}`
}

/** Steps and epochs say the same thing: one of them, given above, takes the place of both. */
function withoutLength(layer: Layer, above: Layer): Layer {
  const isSaid = (key: string) => above[key] !== undefined && above[key] !== null
  if (!isSaid('steps') && !isSaid('epochs')) return layer
  return { ...layer, steps: null, epochs: null }
}

/** Whether settings have a value at a key, or at one above it that is no group. */
function holds(settings: unknown, [part, ...rest]: SettingPath): boolean {
  if (part === undefined) return true
  if (Array.isArray(settings)) return true
  if (!isLayer(settings) || !(String(part) in settings)) return false
  return holds(settings[String(part)], rest)
}
