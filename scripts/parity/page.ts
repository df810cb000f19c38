/** @file The parity page, docs/parity.md, from what verification printed. */

import { DEVICES, type Device } from '../../src/engine/runtime/devices.ts'
import type { FamilyRow } from './families.ts'
import type { Measured, Measurements, Verification } from './measurements.ts'

/** Stages by column, in the order of the computation; what fits no other column is in the last. */
const columns: readonly [title: string, of: RegExp][] = [
  [
    'tokens',
    /^(prompt|input_ids|position_ids|visual_spans|image_(grid_thw|sizes|codes)|geometry|views_per_image)/,
  ],
  ['pixels', /^pixel_values/],
  ['vision', /^(vision|deepstack|decode)/],
  ['projector', /^(merger|projector|pooled)$/],
  ['inputs', /(^|\/)inputs$/],
  ['layers', /(^|\/)layer\.\d+$/],
  ['norm', /(^|\/)norm$/],
  ['vectors', /(^|\/)(pool\..*|image_embeds|text_embeds)$/],
  ['other', /./],
]

export function parityPage(families: readonly FamilyRow[], { driver, fixtures }: Measurements): string {
  const models = fixtures.filter(({ kind }) => kind === 'model')
  const devices = DEVICES.filter((device) => fixtures.some(({ reports }) => reports[device] !== undefined))
  return `# Parity

Written by \`npm run parity\` and \`npm run parity:webgpu\` from their figures in [parity.json](parity.json); do not edit.

Every figure was printed by a command like this one, for each fixture and device:

    npx bifocal verify --golden test/fixtures/adapters --device cpu --json

Their weights are small and random, in the published layout; the reference implementations computed the expected
tensors (${versionsOf(models)}).
The largest difference of a stage is given as a share of its tolerance: 1 is a miss. Tolerances are absolute and come from the reference's own
difference between float32 and float64, tenfold.

## Families and tiers

L0 registered · L1 the graph builds from a published config · L2 small random weights run · L3 equal to the reference on them, every expected tensor
compared · L4 a published checkpoint gives published vectors · L5 published benchmark figures.

${table(
  ['family', 'L0', 'L1', 'L2', 'L3 (cpu)', 'L4', 'L5'],
  families.map((family) => tiers(family, models)),
)}

L1 counts the numbers that the graph asks for, a language model's head included: layers of a tower that are never used are not among them.
\`llava-original\` is held to \`llava\`'s fixture under its own names and keys by a test; \`llada-v\` has neither a published config nor a reference
at hand. L4 and L5 need downloads that nobody has made with this project yet; \`bifocal verify MODEL --preset NAME --picture FILE\` is ready for L4
where authors printed cosines ([embedding](embedding.md)).

## Devices

${table(
  ['fixture', 'kind', 'tolerances', ...devices],
  fixtures.map(({ name, kind, tolerance, reports }) => [
    code(name),
    kind,
    [...new Set(tolerance)].map((value) => value.toExponential(1)).join(' … '),
    ...devices.map((device) => deviceCell(reports[device])),
  ]),
)}

A cell: tensors compared of those expected, the worst share of a tolerance, its stage. Empty: not run.${driverWords(devices, driver)}

## Stages of the models on the CPU

The worst share of its tolerance; \`=\`: equal to the last bit, or the same numbers where they are whole.

${table(
  ['fixture', ...columns.map(([title]) => title)],
  models.map(({ name, reports }) => [code(name), ...stageCells(reports.cpu)]),
)}
`
}

/**
 * Versions of the first fixture that names them: all fixtures were made with the same ones, except
 * for LaViDa's own code.
 */
function versionsOf(models: readonly Measured[]): string {
  const named = Object.entries(models.find(({ versions }) => versions !== undefined)?.versions ?? {})
  return named.map(([name, version]) => `${name} ${version}`).join(', ')
}

function driverWords(devices: readonly Device[], driver = ''): string {
  if (!devices.includes('webgpu')) return ''
  const software = driver.includes('swiftshader') ? ', SwiftShader: a GPU in software' : ''
  return ` webgpu ran on the Vulkan driver \`${driver}\`${software}.`
}

function tiers({ name, published }: FamilyRow, models: readonly Measured[]): string[] {
  const own = models.filter(({ family }) => family === name)
  const ran = own.some(({ reports: { cpu } }) => cpu !== undefined && !('refused' in cpu))
  const equal = own.map(({ name: fixture, reports }) => `${code(fixture)} ${sharesOf(reports.cpu)}`)
  return [
    `[${name}](families/${name}.md)`,
    '✓',
    published === undefined
      ? '–'
      : `✓ ${code(published.repository)}, ${published.parameters.toLocaleString('en-US')}`,
    ran ? '✓' : '–',
    equal.length > 0 ? equal.join('<br>') : '–',
    '–',
    '–',
  ]
}

function sharesOf(report: Verification | undefined): string {
  if (report === undefined || 'refused' in report) return `✗ ${report?.refused ?? 'not run'}`
  const count = `${report.compared}/${report.expected}`
  return report.failure === undefined
    ? `✓ ${count}, ${share(worstOf(report.stages).worst)}`
    : `✗ ${count}, differs at ${report.failure}`
}

function deviceCell(report: Verification | undefined): string {
  if (report === undefined) return ''
  const shares = sharesOf(report)
  return 'refused' in report || report.failure !== undefined
    ? shares
    : `${shares} ${worstOf(report.stages).stage}`
}

/** Shares of tolerances by stage; `null` where the stage differs in kind. */
type Shares = Readonly<Record<string, number | null>>

function worstOf(stages: Shares): { stage: string; worst: number | null } {
  const size = (worst: number | null) => worst ?? Number.POSITIVE_INFINITY
  const all = Object.entries(stages).map(([stage, worst]) => ({ stage, worst }))
  return all.reduce((a, b) => (size(b.worst) > size(a.worst) ? b : a))
}

function stageCells(report: Verification | undefined): string[] {
  if (report === undefined || 'refused' in report) return columns.map(() => '–')
  const columnOf = (stage: string) => columns.findIndex(([, of]) => of.test(stage))
  return columns.map((_, column) => {
    const own = Object.entries(report.stages).filter(([stage]) => columnOf(stage) === column)
    return own.length === 0 ? '' : share(worstOf(Object.fromEntries(own)).worst)
  })
}

function share(worst: number | null): string {
  if (worst === null) return 'differs'
  return worst === 0 ? '=' : worst.toPrecision(2)
}

function code(text: string): string {
  return `\`${text}\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
