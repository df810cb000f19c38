/** @file The parity page, docs/parity.md, from what verification printed. */

import type { Device } from '../../src/runtime/devices.ts'
import type { Fixture, Verification } from './verification.ts'

export interface Measured {
  readonly fixture: Fixture
  readonly reports: ReadonlyMap<Device, Verification>
}

export interface FamilyRow {
  readonly name: string
  /** A published config from which the graph was built, and the parameters that it asks for. */
  readonly published?: { readonly repository: string; readonly parameters: number }
}

/** Stages by column, in the order of the computation; what fits no other column is in the last. */
const columns: readonly [title: string, of: RegExp][] = [
  ['tokens', /^(prompt|input_ids|position_ids|visual_spans|image_(grid_thw|sizes|codes)|geometry|views_per_image)/],
  ['pixels', /^pixel_values/],
  ['vision', /^(vision|deepstack|decode)/],
  ['projector', /^(projector|pooled)$/],
  ['inputs', /(^|\/)inputs$/],
  ['layers', /(^|\/)layer\.\d+$/],
  ['norm', /(^|\/)norm$/],
  ['vectors', /(^|\/)(pool\..*|image_embeds|text_embeds)$/],
  ['other', /./],
]

export function parityPage(families: readonly FamilyRow[], measured: readonly Measured[], devices: readonly Device[]): string {
  const models = measured.filter(({ fixture }) => fixture.kind === 'model')
  const versions = Object.entries(models[0]?.fixture.versions ?? {}).map(([name, version]) => `${name} ${version}`)
  return `# Parity

Written by \`node .bifocal/scripts/scripts/parity.js --devices ${devices.join(',')}\` (see the file's head); do not edit.

Every figure of a fixture was printed by

    bifocal verify --golden FIXTURE --device DEVICE --json

over small random weights in the published layout, whose expected tensors the reference implementations computed (${versions.join(', ')}).
The largest difference of a stage is given as a share of its tolerance: 1 is a miss. Tolerances are absolute and come from the reference's own
difference between float32 and float64, tenfold.

## Families and tiers

L0 registered · L1 the graph builds from a published config · L2 small random weights run · L3 equal to the reference on them, every expected tensor
compared · L4 a published checkpoint gives published vectors · L5 published benchmark figures.

${table(
  ['family', 'L0', 'L1', 'L2', 'L3 (cpu)', 'L4', 'L5'],
  families.map((family) => tiers(family, models)),
)}

L1 counts the numbers that the graph asks for, a language model's head included: layers of a tower that are never used are not among them. L4
and L5 need downloads that nobody has made with this project yet; \`bifocal verify MODEL --preset NAME --picture FILE\` is ready for L4
where authors printed cosines ([embedding](embedding.md)).

## Devices

${table(
  ['fixture', 'kind', 'tolerances', ...devices],
  measured.map(({ fixture, reports }) => [
    code(fixture.name),
    fixture.kind,
    fixture.tolerance === undefined ? 'by case' : [...new Set(fixture.tolerance)].map((value) => value.toExponential(1)).join(' … '),
    ...devices.map((device) => deviceCell(reports.get(device))),
  ]),
)}

A cell: tensors compared of those expected, the worst share of a tolerance, its stage.

## Stages of the models on the CPU

The worst share of its tolerance; \`=\`: equal to the last bit, or the same numbers where they are whole.

${table(
  ['fixture', ...columns.map(([title]) => title)],
  models.map(({ fixture, reports }) => [code(fixture.name), ...stageCells(reports.get('cpu'))]),
)}
`
}

function tiers({ name, published }: FamilyRow, models: readonly Measured[]): string[] {
  const own = models.filter(({ fixture }) => fixture.family === name)
  const reports = own.flatMap(({ reports }) => reports.get('cpu') ?? [])
  const equal = own.map(({ fixture, reports: of }) => `${code(fixture.name)} ${sharesOf(of.get('cpu'))}`)
  return [
    `[${name}](families/${name}.md)`,
    '✓',
    published === undefined ? '–' : `✓ ${code(published.repository)}, ${published.parameters.toLocaleString('en-US')}`,
    reports.some((report) => 'stages' in report) ? '✓' : '–',
    equal.length > 0 ? equal.join('<br>') : '–',
    '–',
    '–',
  ]
}

function sharesOf(report: Verification | undefined): string {
  if (report === undefined || 'refused' in report) return `✗ ${report?.refused ?? 'not run'}`
  const worst = worstStage(report.stages)
  const count = `${report.compared}/${report.expected}`
  return report.failure === undefined ? `✓ ${count}, ${share(worst.worst)}` : `✗ ${count}, differs at ${report.failure.stage}`
}

function deviceCell(report: Verification | undefined): string {
  const shares = sharesOf(report)
  return report === undefined || 'refused' in report || report.failure !== undefined
    ? shares
    : `${shares} ${worstStage(report.stages).stage}`
}

interface Stage {
  stage: string
  /** `null`: differs in kind. */
  worst: number | null
}

function worstStage(stages: readonly Stage[]): Stage {
  return stages.reduce((a, b) => ((b.worst ?? Number.POSITIVE_INFINITY) > (a.worst ?? Number.POSITIVE_INFINITY) ? b : a))
}

function stageCells(report: Verification | undefined): string[] {
  if (report === undefined || 'refused' in report) return columns.map(() => '–')
  const columnOf = (stage: string) => columns.findIndex(([, of]) => of.test(stage))
  return columns.map((_, column) => {
    const own = report.stages.filter(({ stage }) => columnOf(stage) === column)
    return own.length === 0 ? '' : share(worstStage(own).worst)
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
