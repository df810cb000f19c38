/**
 * @file The outputs of a command: data to stdout, words to stderr, one line of progress.
 */

import { createColors } from 'picocolors'
import { printable } from '../foundation/files/printable.ts'
import { type Progress, ProgressLine } from './progress.ts'

/** The world of a command. */
export interface CommandIo {
  /** Fires on Ctrl-C; the command saves its state and lets the InterruptedError through. */
  readonly signal: AbortSignal
  readonly json: boolean
  /** Whether stdout takes colours. */
  readonly color: boolean
  /** Columns of the terminal, undefined where there is none. */
  readonly width: number | undefined
  /** The result: words for people, JSON with `--json`. */
  print(words: string, json: unknown): void
  /** One line of data to stdout, whatever `--json` says. */
  line(text: string): void
  /** Words to stderr. */
  say(words: string): void
  /** Words to stderr that should not be missed; the same words are written once. */
  warn(words: string): void
  /** Draws or logs how far the work is. */
  progress(at: Progress): void
}

/** A stream that a command writes to. */
interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  /** Of a terminal. */
  readonly columns?: number
}

/** The process that a command runs in, or one that stands for it. */
export interface Surroundings {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
}

/** @param json whether `--json` was given */
export function terminalIo(
  json: boolean,
  signal: AbortSignal,
  { stdout, stderr, env }: Surroundings,
): CommandIo {
  const color = wantsColor(stdout, env)
  const paint = createColors(wantsColor(stderr, env))
  // A log has no cursor to move, and continuous integration keeps a log even where it gives a
  // terminal.
  const line = new ProgressLine({
    write: (text) => stderr.write(text),
    redraws: stderr.isTTY === true && !env.CI,
    now: () => performance.now(),
  })
  const warned = new Set<string>()
  const toStdout = (text: string) => {
    line.clear()
    stdout.write(`${text}\n`)
  }
  const toStderr = (text: string) => {
    line.clear()
    stderr.write(`${text}\n`)
  }
  return {
    signal,
    json,
    color,
    width: stdout.columns,
    print: (words, value) => toStdout(json ? JSON.stringify(value, undefined, 2) : words),
    line: toStdout,
    say: (words) => toStderr(printable(words, { lines: true })),
    warn: (words) => {
      // Two steps of a command may open the same model.
      if (warned.has(words)) return
      warned.add(words)
      toStderr(`${paint.yellow('warning:')} ${printable(words, { lines: true })}`)
    },
    progress: (at) => line.update(at),
  }
}

/** @see https://no-color.org, https://force-color.org */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0'
  return stream.isTTY === true && env.TERM !== 'dumb'
}
