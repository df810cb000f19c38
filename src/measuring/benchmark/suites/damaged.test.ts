/** @file Folders of MMEB through whole runs: the reference's averages, faults of damaged ones. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { reducedDir } from '../../../../test/golden.ts'
import { evaluate } from '../run/evaluate.ts'
import { suitesOf } from './suites.ts'

const out = mkdtempSync(join(tmpdir(), 'bifocal-damaged-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

const schema = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      report: z.array(z.looseObject({ row: z.int().nullable(), kind: z.string() })),
      usable: z.array(z.int()),
      accept: z.string().optional(),
      expect: z.record(z.string(), z.object({ prediction: z.int() })),
    }),
  ),
})

test('every damaged folder: its faults in results.json, its usable rows scored', async () => {
  const fixture = reducedDir('bench-mmeb')
  const { cases } = schema.parse(JSON.parse(readFileSync(join(fixture, 'damaged.json'), 'utf8')))
  expect(cases.length).toBeGreaterThan(15)
  const tasks = await suitesOf(cases.map(({ name }) => `mmeb:${join(fixture, 'damaged', name)}`))
  const { run } = await evaluate({
    out,
    tasks,
    models: [join(fixture, 'checkpoint')],
    load: { preset: 'vlm2vec-qwen2-vl' },
  })
  const { problems } = run!.results
  const [model] = run!.models
  const scores = await run!.scores(model!.id)
  for (const [i, { name, report, usable, accept, expect: wanted }] of cases.entries()) {
    const task = tasks[i]!.name
    const told = problems.filter(({ dataset }) => dataset === task)
    expect(told.length, name).toBe(report.length)
    for (const { dataset: _, row, ...place } of report)
      expect(told, name).toContainEqual(
        expect.objectContaining({ ...place, row: row === null ? null : String(row) }),
      )
    const rows = scores.tasks.find((one) => one.task === task)?.rows ?? []
    const ids = rows.map(({ id }) => Number(id))
    if (accept === undefined) expect(ids, name).toEqual(usable)
    for (const { id, best } of rows)
      if (wanted[id] !== undefined) expect(best, `${name}, row ${id}`).toBe(wanted[id].prediction)
  }
}, 120_000)

const expectedSchema = z.object({
  presets: z.record(
    z.string(),
    z.object({
      subsets: z.record(z.string(), z.looseObject({ mean: z.looseObject({ hit1: z.number() }) })),
      averages: z
        .record(z.string(), z.looseObject({ hit1: z.number(), hit1_published: z.number() }))
        .optional(),
    }),
  ),
})

test('averages of a run are those of the reference, in the order of the published tables', async () => {
  const fixture = reducedDir('bench-mmeb')
  const preset = 'vlm2vec-qwen2-vl'
  const { presets } = expectedSchema.parse(JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8')))
  const { subsets, averages = {} } = presets[preset]!
  const { run } = await evaluate({
    out: join(out, 'averages'),
    store: join(out, 'vectors'),
    tasks: await suitesOf([`mmeb:${join(fixture, 'eval')}`], { subsets: ['OK-VQA', 'EDIS', 'CIRR'] }),
    models: [join(fixture, 'checkpoint')],
    load: { preset },
  })
  const { means } = run!.results
  expect(means.map(({ name }) => name)).toEqual([
    ...['VQA', 'RET', 'IND', 'OOD', 'overall', 'without_grounding'],
    ...['vqa', 'retrieval', 'in-domain', 'out-of-domain', 'all'],
  ])
  expect(Object.keys(averages)).not.toEqual([])
  for (const [name, wanted] of Object.entries(averages)) {
    const found = means.find((mean) => mean.name === name)
    expect(found?.hit1.value, name).toBeCloseTo(wanted.hit1, 5)
    expect(found?.metrics.firstWins, name).toBeCloseTo(wanted.hit1_published, 5)
  }
  // Averages over datasets that the reduced fixture has in part: means of the reference's scores.
  for (const { name, tasks, hit1 } of means) {
    const sum = tasks.reduce((all, task) => all + subsets[task]!.mean.hit1, 0)
    expect(hit1.value, name).toBeCloseTo(sum / tasks.length, 5)
  }
}, 120_000)
