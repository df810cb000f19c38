/** @file A pipe with a path, which the runtime can't make. */

import { execFileSync } from 'node:child_process'

export function makeNamedPipe(path: string): void {
  execFileSync('sh', ['-c', 'mkfifo "$0"', path])
}
