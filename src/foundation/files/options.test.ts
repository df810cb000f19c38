import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { abortSignal, callback, checkOptions, type OptionSchemas } from './options.ts'

interface Options {
  attention?: 'causal' | 'bidirectional'
  threads?: number
  warn?: (message: string) => void
  signal?: AbortSignal
}

const schemas: OptionSchemas<Options> = {
  attention: z.enum(['causal', 'bidirectional']),
  threads: z.int().min(1),
  warn: callback,
  signal: abortSignal,
}

/** As JavaScript calls it, whatever the types say. */
const check = (options: unknown) => Reflect.apply(checkOptions, undefined, ['load', schemas, options])

test('options of their types pass, and absent or undefined ones', () => {
  check({})
  check({ attention: 'causal', threads: undefined, warn: () => {}, signal: AbortSignal.timeout(1) })
})

describe('refused', () => {
  test.each([
    ['a value that is none of the choices', { attention: 'full' }, /load: attention: .*causal.*, got "full"/],
    ['a number out of range', { threads: 0 }, /threads: .*got 0/],
    ['null', { threads: null }, /threads/],
    ['no function', { warn: 'yes' }, /warn: expected a function, got "yes"/],
    ['no signal', { signal: 5 }, /signal: expected an AbortSignal, got 5/],
    ['no object', 'causal', /expected an object of options, got "causal"/],
    ['an unknown name', { atention: 'causal' }, /there is no option "atention"/],
  ])('%s', (_, options, message) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({ code: 'usage/option', message: expect.stringMatching(message) }),
    )
  })

  test('a misspelt name with a suggestion, a strange one with the list', () => {
    expect(() => check({ atention: 'causal' })).toThrow(
      expect.objectContaining({ hint: 'Did you mean "attention"?' }),
    )
    expect(() => check({ colour: 1 })).toThrow(
      expect.objectContaining({ hint: 'Options are attention, threads, warn, signal.' }),
    )
  })
})
