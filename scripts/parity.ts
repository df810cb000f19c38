/**
 * @file Writes docs/parity.md: which family equals its reference, how far, on which device. Runs the built command line over every golden
 * fixture. Developers only:
 *
 *     npm run build && npx tsc -p tsconfig.scripts.json
 *     node .bifocal/scripts/scripts/parity.js [--devices cpu,webgpu] [--golden DIR] [--out docs/parity.md] [--cli dist/cli/main.js]
 *
 * `--golden` defaults to BIFOCAL_GOLDEN, else ../shared/golden. `webgpu` runs on the GPU that `VK_DRIVER_FILES` names, else on SwiftShader,
 * where some fixtures take minutes. Exit code 4 when a fixture misses on a device that ran it.
 */

import { readdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { writeFileAtomic } from '../src/checkpoint/file.ts'
import { modelParameters } from '../src/families/parameters.ts'
import { familyNames, modelOf } from '../src/families/registry.ts'
import { UsageError } from '../src/numeric/errors.ts'
import { sizeOf } from '../src/numeric/tensor.ts'
import { DEVICES, type Device } from '../src/runtime/devices.ts'
import { type FamilyRow, type Measured, parityPage } from './parity/page.ts'
import { published } from './parity/published.ts'
import { readFixture, type Verification, verification } from './parity/verification.ts'

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: 'cpu' },
    golden: { type: 'string', default: process.env.BIFOCAL_GOLDEN ?? '../shared/golden' },
    out: { type: 'string', default: 'docs/parity.md' },
    cli: { type: 'string', default: 'dist/cli/main.js' },
  },
})

function deviceCalled(name: string): Device {
  const found = DEVICES.find((device) => device === name)
  if (found !== undefined) return found
  throw new UsageError('arguments', { message: `no device is called ${name}`, hint: `Name some of ${DEVICES.join(', ')}.` })
}

/** Registered by its place in the list; built from a published config where there is one. */
function familyRow(name: string): FamilyRow {
  const known = published.get(name)
  if (known === undefined) return { name }
  const model = modelOf(known.config)
  const parameters = modelParameters(model).reduce((sum, { dims }) => sum + sizeOf(dims), 0)
  return { name, published: { repository: known.repository, parameters } }
}

const devices = values.devices.split(',').map(deviceCalled)
const folders = (await readdir(values.golden, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
const measured: Measured[] = []
let missed = false
for (const name of folders.sort()) {
  const fixture = await readFixture(values.golden, name)
  const reports = new Map<Device, Verification>()
  for (const device of devices) {
    const report = await verification(values.cli, fixture, device)
    reports.set(device, report)
    missed ||= 'failure' in report && report.failure !== undefined
    console.error(`${name} on ${device}: ${'refused' in report ? report.refused : `${report.compared} of ${report.expected} tensors`}`)
  }
  measured.push({ fixture, reports })
}
await writeFileAtomic(values.out, parityPage(familyNames.map(familyRow), measured, devices))
console.error(`→ ${values.out}`)
process.exitCode = missed ? 4 : 0
