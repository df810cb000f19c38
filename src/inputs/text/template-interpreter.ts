/**
 * @file Runs parsed chat templates within limits: a template is a program that comes with a
 * download, and one that loops without end must not stop the process or fill its memory.
 */

import { Environment, Interpreter, type Template } from '@huggingface/jinja'
import { TextError } from './errors.ts'

/**
 * Work that one rendering may do: each evaluated expression counts one, each round of a loop ten,
 * and a list, a mapping or a text that is made counts by its length. Published templates stay below
 * a thousand for a message.
 */
const MOST_WORK = 3_000_000
const WORK_A_ROUND = 10
const CHARACTERS_A_UNIT = 1000
/** As in the sandbox that transformers renders with (jinja2's `MAX_RANGE`). */
const LONGEST_RANGE = 100_000

/** A node of a parsed template, as far as it matters here. */
interface Node {
  readonly type?: string
  readonly iterable?: Node
  readonly lhs?: Node
}

/** The part of the engine's interpreter that is used here. It evaluates parts by way of itself. */
interface JinjaInterpreter {
  evaluate(node: Node | undefined, scope: unknown): { readonly value: unknown }
  run(program: unknown): { readonly value: unknown }
}

/**
 * @param values what the template may name
 * @throws TextError `text/chat-messages` for what the template raises, and beyond the limits
 */
export function renderTemplate(template: Template, values: Readonly<Record<string, unknown>>): string {
  const environment = new Environment()
  for (const [name, value] of Object.entries({ ...globals(), ...values })) environment.set(name, value)
  const interpreter: JinjaInterpreter = new Interpreter(environment)
  const evaluate = interpreter.evaluate.bind(interpreter)
  const loopedOver = new WeakSet<Node>()
  let work = 0
  interpreter.evaluate = (node, scope) => {
    // A loop that filters has its list one node deeper.
    for (const list of [node?.iterable, node?.iterable?.lhs]) if (list !== undefined) loopedOver.add(list)
    const made = evaluate(node, scope)
    const size = sizeOf(made.value)
    work += 1 + (NAMING.has(node?.type ?? '') ? 0 : size)
    if (node !== undefined && loopedOver.has(node)) work += size * WORK_A_ROUND
    if (work > MOST_WORK) throw refusal('it loops too often, or makes too much text')
    return made
  }
  return String(interpreter.run(template.parsed).value)
}

/** Expressions that give a value which is there already. */
const NAMING: ReadonlySet<string> = new Set(['Identifier', 'MemberExpression'])

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length / CHARACTERS_A_UNIT
  if (Array.isArray(value)) return value.length
  return value instanceof Map ? value.size : 0
}

function globals(): Record<string, unknown> {
  return {
    ...{ false: false, true: true, none: null, False: false, True: true, None: null },
    raise_exception: (message: string) => {
      throw refusal(message)
    },
    range: (from: number, to?: number, step = 1) => range(to === undefined ? 0 : from, to ?? from, step),
    strftime_now: (format: string) => formatTime(new Date(), format),
  }
}

function range(from: number, to: number, step: number): number[] {
  if (step === 0) throw refusal('a step of range() is zero')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (length > LONGEST_RANGE)
    throw refusal(`range() of ${length} numbers, more than the limit of ${LONGEST_RANGE}`)
  return Array.from({ length }, (_, i) => from + i * step)
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** Python's `strftime` in English, whatever the language of the machine. */
function formatTime(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const [month, day] = [MONTHS[date.getMonth()]!, DAYS[date.getDay()]!]
  const parts: Readonly<Record<string, string>> = {
    '%Y': String(date.getFullYear()),
    '%y': two(date.getFullYear() % 100),
    '%m': two(date.getMonth() + 1),
    '%d': two(date.getDate()),
    '%B': month,
    '%b': month.slice(0, 3),
    '%A': day,
    '%a': day.slice(0, 3),
    '%H': two(date.getHours()),
    '%I': two(date.getHours() % 12 || 12),
    '%p': date.getHours() < 12 ? 'AM' : 'PM',
    '%M': two(date.getMinutes()),
    '%S': two(date.getSeconds()),
    '%%': '%',
  }
  return format.replace(/%./g, (token) => {
    const part = parts[token]
    if (part === undefined) throw refusal(`strftime_now does not know ${token}`)
    return part
  })
}

function refusal(message: string): TextError {
  return new TextError('chat-messages', {
    message,
    hint: 'Compare with the template of the published repository.',
  })
}
