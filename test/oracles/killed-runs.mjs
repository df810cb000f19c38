/** Runs of the built command line that are killed, for `killed-*.mjs`. */

import { spawn } from 'node:child_process'

const main = new URL('../../dist/cli/main.js', import.meta.url).pathname

/**
 * Runs a command to its end, or so many milliseconds.
 * @returns the exit code, null where it was killed
 */
export function run(words, milliseconds) {
  const child = spawn(process.execPath, [main, ...words], { stdio: 'ignore' })
  const timer = milliseconds === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), milliseconds)
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(code)
    }),
  )
}

/** A run that is left alone. @returns milliseconds that it took */
export async function timed(words) {
  const start = performance.now()
  if ((await run(words)) !== 0) throw new Error('the run left alone failed')
  return performance.now() - start
}

/** Numbers from 0 to 1: the same for the same seed, so that kills come at the same moments. */
export function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
