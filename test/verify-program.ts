/**
 * @file A program for a child process: verifies a model fixture on a device and prints the report
 * as JSON. Arguments: device, folder.
 */

import { DEVICES } from '../src/engine/runtime/devices.ts'
import { verifyModel } from '../src/measuring/verify/model.ts'

const [, , device, dir = ''] = process.argv
console.log(JSON.stringify(await verifyModel(dir, { device: DEVICES.find((name) => name === device) })))
