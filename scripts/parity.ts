/**
 * @file Writes docs/parity.md: which family equals its reference, how far, on which device. Runs the built command line over the golden
 * fixtures. Developers only:
 *
 *     npm run parity                  every fixture on the CPU
 *     npm run parity:webgpu           every model fixture on the GPU that VK_DRIVER_FILES names, else on SwiftShader: minutes each
 *     npm run parity -- --device cuda --fixtures llava,clip
 *
 * Further options: `--golden DIR` (default BIFOCAL_GOLDEN, else ../shared/golden), `--cli dist/cli/main.js`, `--page docs/parity.md`, `--kept
 * docs/parity.json`. Reports are kept in the latter after each fixture: other devices' stay, an interrupted run loses one fixture. Exit code 4
 * when a fixture misses.
 */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFileAtomic } from '../src/checkpoint/file.ts'
import { UsageError } from '../src/numeric/errors.ts'
import { DEVICES, type Device } from '../src/runtime/devices.ts'
import { gpuEnvironment } from '../test/software-gpu.ts'
import { familyRows } from './parity/families.ts'
import { type Measurements, readMeasurements, type Verification, withReport, writeMeasurements } from './parity/measurements.ts'
import { parityPage } from './parity/page.ts'
import { readFixture, verification } from './parity/verification.ts'

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    fixtures: { type: 'string' },
    golden: { type: 'string', default: process.env.BIFOCAL_GOLDEN ?? '../shared/golden' },
    cli: { type: 'string', default: 'dist/cli/main.js' },
    page: { type: 'string', default: 'docs/parity.md' },
    kept: { type: 'string', default: 'docs/parity.json' },
  },
})

const device = deviceCalled(values.device)
if (!existsSync(values.golden)) {
  throw new UsageError('arguments', {
    message: `no fixtures at ${values.golden}`,
    hint: 'Say where they are with --golden or BIFOCAL_GOLDEN.',
  })
}
const env = device === 'webgpu' ? gpuEnvironment() : process.env
if (env === undefined) {
  throw new UsageError('arguments', { message: 'no GPU, and none in software', hint: 'Install chromium, or set VK_DRIVER_FILES.' })
}
let kept: Measurements = existsSync(values.kept) ? await readMeasurements(values.kept) : { fixtures: [] }
if (device === 'webgpu') kept = { ...kept, driver: basename(env.VK_DRIVER_FILES ?? '') }
const families = familyRows()
let missed = false
for (const name of values.fixtures?.split(',') ?? (await fixturesIn(values.golden))) {
  const fixture = await readFixture(values.golden, name)
  // Graphs of tuning and of single operators are the CPU's to verify, unless someone asks.
  if (device !== 'cpu' && fixture.kind !== 'model' && values.fixtures === undefined) continue
  const report = await verification(values.cli, join(values.golden, name), device, env)
  missed ||= 'refused' in report || report.failure !== undefined
  console.error(`${name} on ${device}: ${inWords(report)}`)
  kept = withReport(kept, fixture, device, report)
  await writeMeasurements(values.kept, kept)
  await writeFileAtomic(values.page, parityPage(families, kept))
}
console.error(`→ ${values.page}`)
process.exitCode = missed ? 4 : 0

function deviceCalled(name: string): Device {
  const found = DEVICES.find((known) => known === name)
  if (found !== undefined) return found
  throw new UsageError('arguments', { message: `no device is called ${name}`, hint: `Name one of ${DEVICES.join(', ')}.` })
}

async function fixturesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

function inWords(report: Verification): string {
  if ('refused' in report) return report.refused
  const { compared, expected, failure } = report
  return `${compared} of ${expected} tensors${failure === undefined ? '' : `, differs at ${failure}`}`
}
