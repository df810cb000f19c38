/**
 * @file Writes docs/parity.md: which family equals its reference, how far, on which device. Runs
 * the built command line over the golden fixtures. Models that are named are then embedded on the
 * device and, for vectors and speed to be held against, on the CPU. Developers only:
 *
 *     npm run parity                  every fixture of a known kind and family on the CPU
 *     npm run parity:webgpu           every model fixture on WebGPU: minutes each
 *     npm run parity:cuda             every model fixture on an NVIDIA GPU, then the shipped twins
 *     npm run parity:cuda -- DIR      a model of yours too
 *     npm run parity -- --device cuda --fixtures llava,clip
 *
 * WebGPU runs on the GPU that VK_DRIVER_FILES names, else on SwiftShader. CUDA needs CUDA 12, cuDNN
 * 9 and ONNX Runtime's provider:
 * `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node`.
 *
 * Further options: `--golden DIR` (default BIFOCAL_GOLDEN, else ../shared/golden),
 * `--cli dist/cli/main.js`, `--page docs/parity.md`, `--kept docs/parity.json`. Reports are kept in
 * the last after each fixture: other devices' stay, an interrupted run loses one fixture. Exit code
 * 4 when a fixture or a vector misses; a device that is not there leaves page and figures as they
 * are.
 */

import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEVICES, type Device, executionProviders } from '../src/engine/runtime/devices.ts'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { BifocalError, UsageError } from '../src/foundation/numeric/errors.ts'
import { gpuEnvironment } from '../test/software-gpu.ts'
import { endWith } from './outcome.ts'
import { familyRows } from './parity/families.ts'
import {
  type Measurements,
  readMeasurements,
  type Verification,
  withReport,
  writeMeasurements,
} from './parity/measurements.ts'
import { parityPage } from './parity/page.ts'
import { ratiosOf } from './parity/ratios.ts'
import { fixturesIn, readFixture, verification } from './parity/verification.ts'

const { values, positionals: models } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string', default: 'cpu' },
    fixtures: { type: 'string' },
    golden: { type: 'string', default: process.env.BIFOCAL_GOLDEN ?? '../shared/golden' },
    cli: { type: 'string', default: 'dist/cli/main.js' },
    page: { type: 'string', default: 'docs/parity.md' },
    kept: { type: 'string', default: 'docs/parity.json' },
  },
})

/**
 * Codes of a verification on a machine without the device: they say nothing about a fixture.
 */
const ABSENT = ['runtime/no-cuda', 'runtime/no-adapter']

await endWith(async () => {
  const device = deviceCalled(values.device)
  // Said once and in words, before every fixture says it.
  executionProviders(device)
  const met = [await verified(device), await compared(device)]
  return met.every(Boolean) ? 0 : 4
})

/** Every fixture on the device, kept and written to the page. @returns whether all are equal */
async function verified(device: Device): Promise<boolean> {
  if (!existsSync(values.golden)) {
    throw new UsageError('arguments', {
      message: `no fixtures at ${values.golden}`,
      hint: 'Say where they are with --golden or BIFOCAL_GOLDEN.',
    })
  }
  const env = device === 'webgpu' ? gpuEnvironment() : process.env
  if (env === undefined) {
    throw new UsageError('arguments', {
      message: 'no GPU, and none in software',
      hint: 'Install chromium, or set VK_DRIVER_FILES.',
    })
  }
  let kept: Measurements = existsSync(values.kept) ? await readMeasurements(values.kept) : { fixtures: [] }
  if (device === 'webgpu') kept = { ...kept, driver: basename(env.VK_DRIVER_FILES ?? '') }
  const families = familyRows()
  let equal = true
  const { fixtures, leftOut } =
    values.fixtures === undefined
      ? await fixturesIn(values.golden)
      : { fixtures: values.fixtures.split(','), leftOut: [] }
  for (const { name, reason } of leftOut) console.error(`${name} is left out: ${reason}`)
  for (const name of fixtures) {
    const fixture = await readFixture(values.golden, name)
    // Graphs of tuning and of single operators are the CPU's to verify, unless someone asks.
    if (device !== 'cpu' && fixture.kind !== 'model' && values.fixtures === undefined) continue
    const dir = join(values.golden, name)
    const report = await verification(values.cli, dir, device, env)
    if ('refused' in report && ABSENT.includes(report.refused)) throw absence(device, report.refused, dir)
    equal &&= !('refused' in report) && report.failure === undefined
    console.error(`${name} on ${device}: ${inWords(report)}`)
    kept = withReport(kept, fixture, device, report)
    await writeMeasurements(values.kept, kept)
    await writeFileAtomic(values.page, parityPage(families, kept))
  }
  console.error(`→ ${values.page}`)
  return equal
}

/** The named models on the device beside the CPU. @returns whether all vectors are equal */
async function compared(device: Device): Promise<boolean> {
  let equal = true
  for (const model of models) {
    for (const { dtype, passed, words } of await ratiosOf(model, device)) {
      equal &&= passed
      console.log(`${model} on ${device}, ${dtype}: ${words}`)
    }
  }
  return equal
}

function absence(device: Device, code: string, dir: string): BifocalError {
  return new BifocalError(
    code,
    {
      message: `device ${device} can't be used on this machine`,
      hint: `\`bifocal verify --golden ${dir} --device ${device}\` says what is missing.`,
    },
    2,
  )
}

function deviceCalled(name: string): Device {
  const found = DEVICES.find((known) => known === name)
  if (found !== undefined) return found
  throw new UsageError('arguments', {
    message: `no device is called ${name}`,
    hint: `Name one of ${DEVICES.join(', ')}.`,
  })
}

function inWords(report: Verification): string {
  if ('refused' in report) return report.refused
  const { compared, expected, failure } = report
  return `${compared} of ${expected} tensors${failure === undefined ? '' : `, differs at ${failure}`}`
}
