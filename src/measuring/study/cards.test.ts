import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { gatesOfCard, shippedCards } from './cards.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-cards-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (seed: string, name: string) => {
  const dir = join(folder, 'cards', seed, name)
  mkdirSync(dir, { recursive: true })
  const row = `| MISSED | ${name} | colour of a silhouette | 0.800 | ≥ 0.850 | of 200 |`
  writeFileSync(join(dir, 'README.md'), `<!-- gates -->\n${row}\n<!-- /gates -->`)
}

test('without cards: none', () => {
  expect(shippedCards(join(folder, 'absent'))).toEqual([])
  expect(shippedCards(folder)).toEqual([])
})

test('a row of a card is marked as recorded, and names the seed', async () => {
  write('12', 'twin-discrete')
  write('11', 'twin-discrete')
  write('11', 'twin-adapted')
  mkdirSync(join(folder, 'cards', '11', 'no card'))
  const cards = shippedCards(folder)
  expect(cards.map(({ seed, name }) => `${seed} ${name}`)).toEqual([
    '11 twin-adapted',
    '11 twin-discrete',
    '12 twin-discrete',
  ])
  expect(await gatesOfCard(cards[2]!)).toEqual([
    {
      model: 'twin-discrete',
      name: 'colour of a silhouette',
      value: 0.8,
      bound: 0.85,
      bounded: 'at least',
      passed: false,
      recorded: true,
      beside: 'recorded, seed 12; of 200',
    },
  ])
})
