/** @file The model card of a tuned embedder: README.md of its folder. */

import { stringify } from 'yaml'
import { parseRepository } from '../../../models/hub/repository.ts'
import { recipes } from '../recipes.ts'
import { recipeNames, tuneSettings } from '../settings.ts'
import type { TuningRecord } from './record-form.ts'

/** File of all settings in the folder: `tune --config` takes it. */
export const SETTINGS = 'tune.yaml'

/** Lines of the table of dev scores. */
const SCORE_LINES = 12

/** The card's text. The head is that of cards on the hub. */
export function cardText(record: TuningRecord): string {
  const { model, data } = record
  return `${[
    headText(record),
    `# ${model.name}, tuned`,
    `A multimodal embedder: ${model.name} (${model.family}), tuned by contrast on ` +
      `${total(data, 'train')} pairs. ${scoreSentence(record)}`,
    USE,
    `## Data\n\n${dataTable(record)}`,
    `## Recipe\n\n${recipeText(record)}`,
    `## Scores\n\n${scores(record)}`,
    `## Again\n\n${againText(record)}`,
  ].join('\n\n')}\n`
}

const USE = [
  '## Use',
  '```sh\nnpx bifocal embed . --text "a horse"\n```',
  'in this folder. `embedder.json` says how items are read; `bifocal verify .` recomputes its golden\n' +
    'vectors. An adapter is in the layout of PEFT, which loads it too.',
].join('\n\n')

function headText({ model }: TuningRecord): string {
  const base = parseRepository(model.name)
  return [
    '---',
    'library_name: bifocal',
    ...(base === undefined ? [] : [`base_model: ${base.id}`]),
    'tags: [bifocal, sentence-similarity, feature-extraction, multimodal]',
    'pipeline_tag: feature-extraction',
    '---',
  ].join('\n')
}

function scoreSentence({ best }: TuningRecord): string {
  if (best.metric === 'last') return 'There was no dev part: nothing says how good it is.'
  const score = `its ${best.metric} is ${rounded(best.value)}`
  return `On the dev part ${score}, after update ${best.update}, which was kept.`
}

function dataTable({ data, skipped }: TuningRecord): string {
  const rows = data.map(({ name, train, dev, weight, fingerprint }) =>
    [name, train, dev, weight, fingerprint].map(String),
  )
  const sources = table(['source', 'pairs trained', 'dev pairs', 'weight', 'sha256'], rows)
  if (skipped.pairs === 0) return sources
  return `${sources}\n\n${skipped.pairs} pairs could not be read and were left out.`
}

function recipeText(record: TuningRecord): string {
  const { trained, model } = record
  const kinds = trained.modules.map(({ kind, modules }) => `${kind} (${modules})`).join(', ')
  const share = `${trained.parameters.toLocaleString('en')} of ${model.parameters.toLocaleString('en')}`
  return [
    recipeWords(record),
    `\`\`\`yaml\n${changedSettings(record)}\`\`\``,
    `All other keys have their defaults; \`${SETTINGS}\` has all.`,
    `${share} parameters are trained: ${kinds}.`,
  ].join('\n\n')
}

function againText({ command, version, model, trained }: TuningRecord): string {
  return [
    `\`\`\`sh\n${command}\n\`\`\``,
    `with bifocal ${version} gives the same values where base, data and number of threads are the same.`,
    table(
      ['', 'sha256'],
      [
        ['base', model.sha256],
        ['trained values', trained.sha256],
      ],
    ),
  ].join('\n\n')
}

function recipeWords({ settings }: TuningRecord): string {
  const name = recipeNames.find((known) => known === settings.recipe)
  return name === undefined
    ? 'Settings that differ from the defaults:'
    : `The settings of \`--recipe ${name}\`, from ${recipes[name].source}; those that differ from the defaults:`
}

/** As YAML, without keys that have their defaults. */
function changedSettings({ settings }: TuningRecord): string {
  const { model, data } = settings
  const defaults: Readonly<Record<string, unknown>> = tuneSettings.parse({ model, out: '-', data })
  const changed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(settings)) {
    // The table of data says it better, and the folder is this one.
    if (['model', 'out', 'data', 'recipe'].includes(key)) continue
    const own = withoutDefaults(value, defaults[key])
    if (own !== undefined) changed[key] = own
  }
  return Object.keys(changed).length === 0 ? '{}\n' : stringify(changed)
}

function withoutDefaults(value: unknown, usual: unknown): unknown {
  if (JSON.stringify(value) === JSON.stringify(usual)) return undefined
  if (!isObject(value) || !isObject(usual)) return value
  const kept = Object.entries(value).filter(
    ([key, own]) => JSON.stringify(own) !== JSON.stringify(usual[key]),
  )
  return Object.fromEntries(kept)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function scores({ evaluations, curve }: TuningRecord): string {
  const every = Math.max(1, Math.ceil(evaluations.length / SCORE_LINES))
  const shown = evaluations.filter((_, i) => (evaluations.length - 1 - i) % every === 0)
  const last = curve.at(-1)
  const accuracy = last?.accuracy === undefined ? '' : `, in-batch accuracy ${rounded(last.accuracy)}`
  const rows = shown.map(({ update, loss, hit1 }) => [String(update), rounded(loss), rounded(hit1)])
  return [
    ...(rows.length === 0
      ? []
      : ['Each dev query among all dev targets:', table(['updates', 'loss', 'hit@1'], rows)]),
    ...(last === undefined ? [] : [`Training loss of the last update: ${rounded(last.loss)}${accuracy}.`]),
  ].join('\n\n')
}

function total(data: TuningRecord['data'], part: 'train' | 'dev'): string {
  return data.reduce((sum, source) => sum + source[part], 0).toLocaleString('en')
}

function rounded(value: number): string {
  return value.toFixed(3)
}

/** A Markdown table; pipes in cells are escaped. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
