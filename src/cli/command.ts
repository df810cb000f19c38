/**
 * @file How a command is described: its line, its flags with their types, and what it does. Parsing
 * is commander's.
 */

import type { Command as Parser } from 'commander'
import { z } from 'zod'
import { UsageError } from '../foundation/numeric/errors.ts'
import type { CommandIo } from './io.ts'

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S

/** `--dry-run <n>` → `dryRun`; `--no-controls` → `controls`, true unless the flag is given. */
type FlagName<F extends string> = F extends `--no-${infer Rest}`
  ? Camel<Rest>
  : F extends `--${infer Rest}`
    ? Camel<Rest extends `${infer Name} ${string}` ? Name : Rest>
    : never

/** The value of a flag without a schema: text, texts (`<names...>`), or whether it was given. */
type FlagValue<F extends string> = F extends `${string}...>`
  ? string[] | undefined
  : F extends `${string}>`
    ? string | undefined
    : boolean

/** `--no-tune` beside `--tune <part>` turns the other off: its value is then `false`. */
type With<Given, F extends string> =
  FlagName<F> extends keyof Given
    ? Omit<Given, FlagName<F>> & { [N in FlagName<F>]: Given[N] | false }
    : Given & { [N in FlagName<F>]: FlagValue<F> }

/** `embed <model> [file]` → `{ model: string; file: string | undefined }`; `<names...>`: a list. */
type Arguments<L extends string> = L extends `${infer Head} ${infer Tail}`
  ? Arguments<Head> & Arguments<Tail>
  : ArgumentOf<L>
type ArgumentOf<L extends string> = L extends `<${infer Name}...>` | `[${infer Name}...]`
  ? { [N in Camel<Name>]: string[] }
  : L extends `<${infer Name}>`
    ? { [N in Camel<Name>]: string }
    : L extends `[${infer Name}]`
      ? { [N in Camel<Name>]: string | undefined }
      : unknown

/** The process's exit code. */
export type CommandResult = 0 | 1 | 2 | 3 | 4

interface Flag {
  flags: string
  description: string
  schema: z.ZodType | undefined
  /** May be given several times; each time adds a value. */
  repeatable: boolean
}

/** A flag as a reader sees it. */
interface FlagOutline {
  /** `--device`. */
  readonly name: string
  readonly summary: string
  /** Values that it takes, where they are few; empty for any other value. */
  readonly choices: readonly string[]
  /** Whether a value follows. */
  readonly valued: boolean
}

/** A command as a reader sees it. */
export interface CommandOutline {
  readonly name: string
  readonly summary: string
  readonly flags: readonly FlagOutline[]
}

/** A finished command: `main` hands it to the parser. */
export interface CommandEntry {
  readonly outline: CommandOutline
  /** @param io made when the command runs: whether `--json` was given is known only then */
  register(program: Parser, io: (json: boolean) => CommandIo, done: (result: CommandResult) => void): void
}

/**
 * Starts the description of a command.
 * @param line name and arguments: `embed <model>`, `verify [model]`
 * @example
 * export const score = command('score <model>', 'Score a model')
 *   .option('--seed <n>', 'of the draws; default 0', z.coerce.number().int().optional())
 *   .action(async ({ model, seed }, io) => {
 *     io.print(`${model} ${seed}`, { model, seed })
 *     return 0
 *   })
 */
export function command<L extends string>(line: L, summary: string): CommandBuilder<Arguments<L>> {
  return new CommandBuilder(line, summary, [])
}

export class CommandBuilder<Given> {
  readonly #line: string
  readonly #summary: string
  readonly #flags: readonly Flag[]

  constructor(line: string, summary: string, flags: readonly Flag[]) {
    this.#line = line
    this.#summary = summary
    this.#flags = flags
  }

  /**
   * A flag. With a schema, its value is what the schema makes of the text; a refusal is a usage
   * error.
   */
  option<F extends string>(flags: F, description: string): CommandBuilder<With<Given, F>>
  option<F extends string, T>(
    flags: F,
    description: string,
    schema: z.ZodType<T>,
  ): CommandBuilder<Given & { [N in FlagName<F>]: T }>
  option(flags: string, description: string, schema?: z.ZodType): CommandBuilder<unknown> {
    return this.#with<unknown>({ flags, description, schema, repeatable: false })
  }

  /**
   * A switch that can be turned off too, by `--no-NAME`: undefined where neither was given, so that
   * settings from elsewhere stay.
   */
  toggle<F extends `--${string}`>(
    flag: F,
    description: string,
  ): CommandBuilder<Given & { [N in FlagName<F>]: boolean | undefined }> {
    const off = { flags: flag.replace('--', '--no-'), description: `turns ${flag} off` }
    const both = [{ flags: flag as string, description }, off]
    const flags = both.map((one) => ({ ...one, schema: z.boolean().optional(), repeatable: false }))
    return new CommandBuilder(this.#line, this.#summary, [...this.#flags, ...flags])
  }

  /** A flag that may be given several times: its value is the list of its texts, in order. */
  repeatable<F extends string>(
    flags: F,
    description: string,
  ): CommandBuilder<Given & { [N in FlagName<F>]: string[] | undefined }> {
    return this.#with({ flags, description, schema: undefined, repeatable: true })
  }

  #with<All>(flag: Flag): CommandBuilder<All> {
    return new CommandBuilder<All>(this.#line, this.#summary, [...this.#flags, flag])
  }

  /** @param run gives the exit code; an error decides it by its class */
  action(run: (given: Given, io: CommandIo) => Promise<CommandResult>): CommandEntry {
    const [line, summary, flags] = [this.#line, this.#summary, this.#flags]
    return {
      outline: outlineOf(line, summary, [...flags, JSON_FLAG]),
      register(program, io, done) {
        const parser = program.command(line).description(summary)
        for (const { flags: text, description, repeatable } of flags) {
          if (repeatable)
            parser.option(text, description, (value, before: string[] = []) => [...before, value])
          else parser.option(text, description)
        }
        parser.option(JSON_FLAG.flags, JSON_FLAG.description)
        parser.action(async () => {
          const given = read<Given>(parser, flags)
          done(await run(given, io(parser.opts().json === true)))
        })
      },
    }
  }
}

const JSON_FLAG: Flag = {
  flags: '--json',
  description: 'print JSON instead of words',
  schema: undefined,
  repeatable: false,
}

function outlineOf(line: string, summary: string, flags: readonly Flag[]): CommandOutline {
  const [name = ''] = line.split(' ')
  return {
    name,
    summary,
    flags: flags.map(({ flags: text, description, schema }) => {
      const [flag = '', value] = text.split(' ')
      return { name: flag, summary: description, choices: choicesOf(schema), valued: value !== undefined }
    }),
  }
}

function choicesOf(schema: z.ZodType | undefined): string[] {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema
  return inner instanceof z.ZodEnum ? inner.options.map(String) : []
}

/** Arguments and flags by name, as the builder's types say. */
function read<Given>(parser: Parser, flags: readonly Flag[]): Given {
  const texts = parser.opts<Record<string, unknown>>()
  const given: Record<string, unknown> = {}
  parser.registeredArguments.forEach((argument, i) => {
    given[camel(argument.name())] = parser.processedArgs[i]
  })
  for (const { flags: text, schema } of flags) {
    const [flag = ''] = text.split(' ')
    const name = camel(flag.replace(/^--(no-)?/, ''))
    // `--no-tune` after `--tune <part>`: false where it was given, else the other's value stays.
    if (flag.startsWith('--no-') && name in given) {
      if (texts[name] === false) given[name] = false
      continue
    }
    const said = text.includes(' ') && texts[name] === false ? undefined : texts[name]
    const off = flag.replace('--', '--no-')
    const isToggle = flags.some((other) => other.flags === off && other.schema !== undefined)
    const value = said ?? (text.includes(' ') || isToggle ? undefined : false)
    given[name] = schema === undefined ? value : parsed(flag, value, schema)
  }
  return z.custom<Given>().parse(given)
}

function parsed(flag: string, value: unknown, schema: z.ZodType): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new UsageError('option', {
    message: `${flag} ${value === undefined ? 'is missing' : `"${value}"`}: ${result.error.issues.map(({ message }) => message).join('; ')}`,
    hint: 'Add --help to see what each flag takes.',
  })
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** A whole number of at least `min`, from text. */
export function wholeNumber(min = 0, max = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  const error =
    max < Number.MAX_SAFE_INTEGER
      ? `expected a whole number from ${min} to ${max}`
      : `expected a whole number of at least ${min}`
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.int({ error }).min(min, { error }).max(max, { error }))
}
