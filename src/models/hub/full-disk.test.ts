import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { clientOf, servedModel } from '../../../test/hub-models.ts'
import { type HubServer, startHubServer } from '../../../test/hub-server.ts'
import { pullModel } from './pull.ts'

// A disk that takes no more bytes: every write of a download ends in the system's error.
vi.mock('../../foundation/files/file.ts', async (original) => ({
  ...(await original<typeof import('../../foundation/files/file.ts')>()),
  writeAll: () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })),
}))

let server: HubServer
let settings: ReturnType<typeof clientOf>
beforeEach(async () => {
  server = await startHubServer({ 'acme/tiny': await servedModel() })
  settings = clientOf(server)
})
afterEach(async () => {
  await server.close()
  settings.clear()
})

test('a disk that is full is told as such', async () => {
  await expect(pullModel('acme/tiny', { settings })).rejects.toMatchObject({
    code: 'file/disk-full',
    exitCode: 1,
  })
})
