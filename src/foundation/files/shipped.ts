/**
 * @file Finds the package `bifocal-twins`, which holds the shipped models and pictures, wherever it
 * is installed.
 */

import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileError } from './errors.ts'

const PACKAGE = 'bifocal-twins'
const SCHEME = 'bifocal:'

/**
 * The folder of a shipped model, a checkpoint like any other.
 * @param name `twin-ar`, `twin-diffusion` or `tower`
 * @throws FileError `file/no-twins` where the package is not installed, `file/not-shipped` for
 *   another name
 * @example const embedder = await Embedder.load(shipped('twin-ar'))
 */
export function shipped(name: string): string {
  const models = join(packageFolder(), 'models')
  const names = shippedNames()
  if (names.includes(name)) return join(models, name)
  throw new FileError('not-shipped', {
    message: `no shipped model is called ${JSON.stringify(name)}`,
    hint: `Take one of ${names.map((known) => SCHEME + known).join(', ')}.`,
  })
}

/** Names of the shipped models; none where the package is not installed. */
export function shippedNames(): string[] {
  const found = shippedPackage()
  return found === undefined ? [] : readdirSync(join(found, 'models')).sort()
}

/**
 * The same for the name that a command takes, `bifocal:twin-ar`; undefined for any other name.
 * @throws FileError as `shipped`
 */
export function shippedByName(name: string): string | undefined {
  return isShippedName(name) ? shipped(name.slice(SCHEME.length)) : undefined
}

/** Whether a name has the form `bifocal:NAME`. */
export function isShippedName(name: string): boolean {
  return name.startsWith(SCHEME)
}

/**
 * The folder of the embedded pictures and their words.
 * @throws FileError `file/no-twins`
 */
export function shippedData(): string {
  return join(packageFolder(), 'data')
}

/** Whether a folder is that of a shipped model; false too where the package is not installed. */
export function isShipped(dir: string): boolean {
  const found = shippedPackage()
  return found !== undefined && existsSync(dir) && dirname(realpathSync(dir)) === join(found, 'models')
}

/** The name that every command takes for the folder of a shipped model: `bifocal:twin-ar`. */
export function shippedNameOf(dir: string): string {
  return SCHEME + basename(realpathSync(dir))
}

/** @throws FileError `file/no-twins` */
function packageFolder(): string {
  const found = shippedPackage()
  if (found !== undefined) return found
  throw new FileError('no-twins', {
    message: `the shipped models and pictures are a package of their own, ${PACKAGE}, which is not installed beside bifocal`,
    hint: `Run \`npm install ${PACKAGE}\` where bifocal is installed, or name models of your own.`,
  })
}

/** The folder of the package; undefined where it is not installed. */
export function shippedPackage(): string | undefined {
  // A checkout carries the package, also before `npm ci` has linked it.
  const checkout = fileURLToPath(new URL('../../../packages/twins', import.meta.url))
  if (existsSync(checkout)) return checkout
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
  } catch {
    return undefined
  }
}
