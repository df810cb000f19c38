/** @file A program for a child process: verifies a model fixture on a device and prints the report as JSON. Arguments: device, folder. */

import { verifyModel } from '../src/embedder/verify/model.ts'
import { DEVICES } from '../src/runtime/devices.ts'

const [, , device, dir = ''] = process.argv
console.log(JSON.stringify(await verifyModel(dir, { device: DEVICES.find((name) => name === device) })))
