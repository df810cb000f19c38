import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { pretrain } from './pretrain.ts'
import { TWINS } from './twins/registry.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-pretrain-'))
afterAll(() => rmSync(root, { recursive: true }))

test.each(TWINS)('$name is not started without a tower', async ({ name }) => {
  const options = {
    data: join(root, 'absent'),
    work: root,
    pictures: join(root, 'tower'),
    out: join(root, name),
    threads: 1,
  }
  await expect(pretrain(name, options)).rejects.toMatchObject({ code: 'pretraining/no-tower', exitCode: 3 })
})

test('a folder that cannot be written is found out before the training', async () => {
  writeFileSync(join(root, 'file'), '')
  const options = {
    data: join(root, 'absent'),
    work: root,
    pictures: join(root, 'tower'),
    out: join(root, 'file/tower'),
    threads: 1,
  }
  await expect(pretrain('tower', options)).rejects.toMatchObject({ code: 'file/write', exitCode: 1 })
})
