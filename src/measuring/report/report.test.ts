import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { syntheticResults, syntheticRun } from '../../../test/synthetic-results.ts'
import { canonicalJson } from '../../foundation/files/canonical-json.ts'
import { parseResults, type Results, serializeResults } from './results.ts'
import { serializeRun } from './run.ts'
import { scoreTable } from './table.ts'
import { splicePage, writeReport } from './write.ts'

const results = await syntheticResults()
const PAGE = '<script id="results">"__BIFOCAL_RESULTS__"</script><script id="run">"__BIFOCAL_RUN__"</script>'

describe('results.json', () => {
  test('reads back to itself, byte for byte', () => {
    const bytes = serializeResults(results)
    expect(serializeResults(parseResults(JSON.parse(bytes)))).toBe(bytes)
  })

  test('has the same bytes for the same seed, others for another', async () => {
    const bytes = serializeResults(results)
    expect(serializeResults(await syntheticResults(7))).toBe(bytes)
    expect(serializeResults(await syntheticResults(8))).not.toBe(bytes)
  })

  test('does not depend on the order in which keys were set', () => {
    const reversed: Results = {
      ...results,
      scores: results.scores.map(({ hit1, task, model, ...rest }) => ({ ...rest, hit1, task, model })),
    }
    expect(serializeResults(reversed)).toBe(serializeResults(results))
  })

  test.each([
    [0.1 + 0.2, '0.3'],
    [1 / 3, '0.333333'],
    [-0, '0'],
    [3_812_352_001, '3812352001'],
    [-1e-9 / 3, '-3.33333e-10'],
  ])('spells %d as %s', (value, spelt) => {
    expect(canonicalJson(value)).toBe(`${spelt}\n`)
  })

  const [score, twin] = [results.scores[0]!, results.models[0]!]
  test.each<[string, unknown, RegExp]>([
    ['an unknown key', { ...results, madeAt: 'noon' }, /madeAt/],
    [
      'a number that is none',
      { ...results, scores: [{ ...score, metrics: { mrr: Number.NaN } }] },
      /scores\.0\.metrics\.mrr/,
    ],
    [
      'an interval upside down',
      { ...results, scores: [{ ...score, hit1: { value: 0.5, low: 0.6, high: 0.4 } }] },
      /low must not exceed high/,
    ],
    ['another schema version', { ...results, schemaVersion: 1 }, /schemaVersion/],
    [
      'a score of an unknown model',
      { ...results, scores: [{ ...score, model: 'twin-x' }] },
      /scores\.0\.model: no model is called twin-x/,
    ],
    ['a model twice', { ...results, models: [...results.models, twin] }, /twin-ar stands twice/],
    ['a thumbnail that is not there', { ...results, thumbnails: [] }, /thumbnail \d+ of 0/],
    [
      'a picture from the network',
      { ...results, thumbnails: ['https://example.org/a.png'] },
      /thumbnails\.0/,
    ],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseResults(json)).toThrow(message)
  })
})

describe('run.json', () => {
  test('refuses a date that is none', () => {
    expect(() => serializeRun({ ...syntheticRun, startedAt: 'yesterday' })).toThrow(/startedAt/)
  })
})

describe('writeReport', () => {
  test('leaves three complete files and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifocal-report-'))
    const page = join(folder, 'page.html')
    await writeFile(page, PAGE)
    const out = join(folder, 'out')
    const written = await writeReport(results, syntheticRun, out, { page })
    expect((await readdir(out)).sort()).toEqual(['report.html', 'results.json', 'run.json'])
    expect(await readFile(written.results, 'utf8')).toBe(serializeResults(results))
  })

  test('says how to build a page that is absent', async () => {
    await expect(
      writeReport(results, syntheticRun, tmpdir(), { page: '/nowhere/page.html' }),
    ).rejects.toMatchObject({
      code: 'report/page-missing',
      hint: expect.stringContaining('build:report'),
    })
  })

  test('a label cannot end the script element, and dollar signs stay', () => {
    const sly = serializeResults({ ...results, title: "</script><script>alert(1)</script> $& $'" })
    const page = splicePage(PAGE, { results: sly })
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    const json = page.slice(page.indexOf('>') + 1, page.indexOf('</script>'))
    expect(parseResults(JSON.parse(json)).title).toBe("</script><script>alert(1)</script> $& $'")
  })
})

describe('scoreTable', () => {
  test('wide: every model with its interval, the difference beside the pair', () => {
    const [head, first] = scoreTable(results, { width: 400, color: false }).split('\n')
    expect(head?.split(/ {2,}/)).toEqual([
      'hit@1, %',
      'twin-ar-tuned',
      'twin-diffusion-tuned',
      'difference',
      ...expectedRest(),
    ])
    expect(first).toMatch(/^classification +\d+\.\d \[\d+\.\d to \d+\.\d\]/)
  })

  test.each([60, 80, 120])('at %d columns no line is longer, and what is left out is named', (width) => {
    const lines = scoreTable(results, { width, color: false }).split('\n')
    const note = lines.pop()
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(note).toMatch(/not shown for want of width: .*twin-diffusion-shuffled/)
  })

  test('colours change no column', () => {
    const plain = scoreTable(results, { width: 120, color: false })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    expect(scoreTable(results, { width: 120, color: true }).replaceAll(/\u001b\[\d+m/g, '')).toBe(plain)
  })

  function expectedRest(): string[] {
    return results.models
      .map(({ id }) => id)
      .filter((id) => !/^twin-(ar|diffusion)-tuned$|majority|chance/.test(id))
  }
})
