/**
 * @file Timed rounds: ours and the peer in alternation, so that whatever else the machine does hits
 * both.
 */

import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { BifocalError } from '../src/foundation/numeric/errors.ts'

/** One run: elapsed milliseconds, and milliseconds of processor time over all threads. */
export interface Timing {
  wall: number
  busy: number
}

const readyLine = z.object({ ready: z.literal(true), torch: z.string(), threads: z.number() })
const runLine = z.object({
  wall: z.number(),
  busy: z.number(),
  loss: z.number().optional(),
  batch: z.number().optional(),
})
type PeerRun = z.infer<typeof runLine>

export interface Peer {
  readonly name: string
  run(): Promise<PeerRun>
  close(): void
}

/** The Python that has torch, transformers and peft. */
const PYTHON = process.env.BIFOCAL_PYTHON ?? 'python3'

/**
 * Starts `bench/peers/<script>`; `undefined`, with a word to stderr, where its packages are not
 * installed.
 */
export async function openPeer(script: string, args: readonly string[]): Promise<Peer | undefined> {
  const missing = await promisify(execFile)(PYTHON, [
    '-c',
    'import torch, transformers, peft, safetensors',
  ]).then(
    () => undefined,
    (error: Error) => error.message.trim().split('\n').at(-1),
  )
  if (missing !== undefined) {
    console.error(
      `no peer: ${PYTHON} lacks its packages (${missing}); set BIFOCAL_PYTHON, see bench/README.md`,
    )
    return undefined
  }
  // Built code lies in .bifocal/bench/bench, three folders below the root.
  const path = fileURLToPath(new URL(`../../../bench/peers/${script}`, import.meta.url))
  const child = spawn(PYTHON, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done)
      throw new BifocalError('bench/peer', { message: `${script} ended`, hint: 'Its message is above.' })
    return JSON.parse(value)
  }
  const { torch } = readyLine.parse(await next())
  return {
    name: `PyTorch ${torch}`,
    async run() {
      child.stdin.write('run\n')
      return runLine.parse(await next())
    },
    close: () => child.stdin.end(),
  }
}

/** The time that `work` takes. */
export async function timed<T>(work: () => Promise<T>): Promise<Timing & { result: T }> {
  const before = process.cpuUsage()
  const start = performance.now()
  const result = await work()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { wall, busy: (user + system) / 1000, result }
}

/**
 * Times `run` and the peer in turn, and reports both.
 * @param called the peer's name in the report
 */
export async function race(
  what: string,
  {
    rounds,
    run,
    peer,
    called = peer?.name ?? '',
  }: { rounds: number; run: () => Promise<Timing>; peer: Peer | undefined; called?: string },
): Promise<void> {
  const ours: Timing[] = []
  const theirs: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await run())
    if (peer !== undefined) theirs.push(await peer.run())
  }
  report(what, ours, peer && { name: called, runs: theirs })
}

/** Median and fastest of both sides, and peer ÷ ours: above 1, ours is faster. */
export function report(
  what: string,
  ours: readonly Timing[],
  peer?: { name: string; runs: readonly Timing[] },
): void {
  const line = (name: string, runs: readonly Timing[]) =>
    `  ${name.padEnd(16)} ${(['wall', 'busy'] as const).map((kind) => `${kind} median ${ms(median(runs, kind))} fastest ${ms(fastest(runs, kind))}`).join('   ')}`
  console.log(`${what}, ${ours.length} rounds in alternation`)
  console.log(line('bifocal', ours))
  if (peer === undefined) return
  console.log(line(peer.name, peer.runs))
  const ratios = (['wall', 'busy'] as const).map((kind) => {
    const each = ours.map((run, i) => ({ ...run, [kind]: peer.runs[i]![kind] / run[kind] }))
    const ofFastest = fastest(peer.runs, kind) / fastest(ours, kind)
    return `${kind} ${median(each, kind).toFixed(2)} (fastest ${ofFastest.toFixed(2)})`
  })
  console.log(`  ratio peer / bifocal: ${ratios.join(', ')}`)
}

export function median(runs: readonly Timing[], kind: keyof Timing): number {
  const sorted = runs.map((run) => run[kind]).sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.floor(sorted.length / 2)]!) / 2
}

const fastest = (runs: readonly Timing[], kind: keyof Timing) => Math.min(...runs.map((run) => run[kind]))
const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(8)
