/**
 * @file A program for a child process: verifies a fixture on a device and prints the report as
 * JSON. Arguments: device, folder.
 */

import { DEVICES } from '../src/engine/runtime/devices.ts'
import { verifyGolden } from '../src/measuring/verify/golden.ts'

const [, , device, dir = ''] = process.argv
console.log(JSON.stringify(await verifyGolden(dir, { device: DEVICES.find((name) => name === device) })))
