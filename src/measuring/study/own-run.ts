/**
 * @file The models of a study as a run of `eval`, `OUT/run`: from the vectors that the study has
 * stored, with the readouts that it has chosen. `compare`, `report` and `export` take it.
 */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { stacked } from '../../foundation/numeric/rows.ts'
import type { Task } from '../../inputs/data/task.ts'
import { CONTRACT_READOUT } from '../../models/embedder/embedding.ts'
import { VectorFolder } from '../../models/embedder/vectors/folder.ts'
import type { VectorMaker } from '../../models/embedder/vectors/maker.ts'
import type { Contestant } from '../benchmark/run/contestant.ts'
import { evaluate } from '../benchmark/run/evaluate.ts'
import { openedTask } from '../benchmark/suites/opened.ts'
import type { TaskSource } from '../benchmark/suites/suite.ts'
import { modelsOf } from './models.ts'
import type { Outcome } from './outcome.ts'
import { contentHash, type StoredAs, type StudyContext, storeOf } from './state.ts'

/**
 * Writes the run, or leaves it as it is where it is this one. Models in all states are in it;
 * dual encoders where there are no others; no controls and baselines: each takes seconds.
 * @throws FileError; InterruptedError
 */
export async function writeOwnRun(outcome: Outcome, context: StudyContext): Promise<void> {
  const { options, setting } = context
  const { signal } = options
  const out = join(options.out, 'run')
  const run = {
    out,
    tasks: outcome.world.tasks.map(sourceOf),
    contestants: contestantsOf(outcome, context),
    seed: setting.seed,
    command: outcome.command,
    ...(signal && { signal }),
  }
  try {
    await evaluate(run)
  } catch (error) {
    // The folder is the study's: a run of another version, or of settings that were given up, goes.
    if (!(error instanceof BifocalError) || error.code !== 'benchmark/other-run') throw error
    await rm(out, { recursive: true })
    await evaluate(run)
  }
}

function sourceOf(task: Task): TaskSource {
  return {
    name: task.name,
    suite: 'embedded',
    open: async () =>
      openedTask({
        task: { ...task, train: [], dev: [] },
        averages: [],
        problems: [],
        total: task.test.length,
        close: async () => {},
      }),
  }
}

function contestantsOf(outcome: Outcome, context: StudyContext): Contestant[] {
  const models = modelsOf(outcome)
  const { studied, baselines } = outcome
  const scored = [
    ...studied.flatMap(({ participant: { id, plain, tuned } }) => [
      { id, stored: plain.stored, tasks: plain.scores.tasks },
      ...(tuned === undefined
        ? []
        : [{ id: `${id}-tuned`, stored: tuned.state.stored, tasks: tuned.state.scores.tasks }]),
    ]),
    ...(studied.length > 0 ? [] : baselines).map(({ id, stored, scores }) => ({
      id,
      stored,
      tasks: scores.tasks,
    })),
  ]
  return scored.map(({ id, stored, tasks }) => {
    const model = models.find((one) => one.id === id)!
    const names = new Set(tasks.map(({ task }) => task))
    const { label, family, objective, attention, readout, parameters } = model
    const fingerprint = contentHash([stored.hash, stored.readout])
    return {
      model: {
        id,
        label: model.state === 'tuned' ? `${label} (tuned)` : label,
        role: model.role === 'pixels' ? 'baseline' : 'model',
        ...{ family, objective, attention, parameters, fingerprint },
        readout: readout ?? 'as the model gives it',
        readouts: [CONTRACT_READOUT],
      },
      open: async () => ({
        maker: await makerFrom(storeOf(context), id, stored, fingerprint),
        close: async () => {},
      }),
      ...(names.size < outcome.world.tasks.length && {
        seen: (task: Task) => (names.has(task.name) ? task : undefined),
      }),
    }
  })
}

/** Gives the vectors of a readout that are stored already. */
async function makerFrom(
  store: string,
  id: string,
  { hash, readouts, readout }: StoredAs,
  own: string,
): Promise<VectorMaker> {
  const folder = await VectorFolder.open(store, { fingerprint: hash, readouts })
  const column = readouts.indexOf(readout)
  return {
    id,
    hash: own,
    readouts: [CONTRACT_READOUT],
    async embed(items) {
      const found = await folder.all(items.map(({ key }) => key))
      const rows = items.map(({ key }) => found.get(key)![column]!)
      return { vectors: { [CONTRACT_READOUT]: stacked(rows) } }
    },
  }
}
