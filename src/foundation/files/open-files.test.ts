import { describe, expect, test } from 'vitest'
import { readFailure, writeFailure } from './errors.ts'
import { openFilesFailure } from './open-files.ts'

const system = (code: string) => Object.assign(new Error(`${code}: too many open files, open 'a'`), { code })

describe('a lack of open files', () => {
  test.each([
    ['of the process', system('EMFILE')],
    ['of the machine', system('ENFILE')],
    ['as a cause of another error', new Error('the worker failed', { cause: system('EMFILE') })],
    ['as the linker words it', new Error('libvips.so: cannot open shared object file: Too many open files')],
  ])('%s is named', (_, error) =>
    expect(openFilesFailure(error)).toMatchObject({
      code: 'file/open-files',
      exitCode: 1,
      hint: expect.stringContaining('ulimit -n'),
    }),
  )

  test.each([
    ['another failure of the system', Object.assign(new Error('denied'), { code: 'EACCES' })],
    ['an error of the program', new Error('x')],
    ['no error', undefined],
  ])('%s is not taken for one', (_, error) => expect(openFilesFailure(error)).toBeUndefined())

  test.each([readFailure, writeFailure])('of a file that cannot be opened names the file', (failure) => {
    const error = failure('a/b.json', system('EMFILE'))
    expect(error).toMatchObject({ code: 'file/open-files', message: expect.stringContaining('a/b.json') })
    expect(openFilesFailure(error)).toBe(error)
  })
})
