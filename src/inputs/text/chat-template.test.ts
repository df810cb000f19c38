/**
 * @file Chat templates: where they are looked for, generation marks, and messages that a template
 * refuses.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type ChatMessage, loadChatTemplate, parseChatTemplate } from './chat-template.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-template-'))
afterAll(() => rmSync(root, { recursive: true }))

const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]

test.each<[string, Record<string, string>, string | undefined]>([
  ['nothing', {}, undefined],
  [
    'a string in tokenizer_config.json',
    { 'tokenizer_config.json': '{"chat_template": "config {{ bos_token }}", "bos_token": "<s>"}' },
    'config <s>',
  ],
  [
    'the default of a list',
    {
      'tokenizer_config.json':
        '{"chat_template": [{"name": "rag", "template": "rag"}, {"name": "default", "template": "default"}]}',
    },
    'default',
  ],
  [
    'chat_template.json before the config',
    {
      'chat_template.json': '{"chat_template": "json"}',
      'tokenizer_config.json': '{"chat_template": "config"}',
    },
    'json',
  ],
  [
    'chat_template.jinja before all',
    { 'chat_template.jinja': 'jinja', 'chat_template.json': '{"chat_template": "json"}' },
    'jinja',
  ],
  [
    'special tokens from the map',
    {
      'chat_template.jinja': '{{ eos_token }}',
      'special_tokens_map.json': '{"eos_token": {"content": "</s>"}}',
    },
    '</s>',
  ],
])('%s', async (_, files, expected) => {
  const dir = mkdtempSync(join(root, 'folder-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content)
  expect((await loadChatTemplate(dir))?.render(messages)).toBe(expected)
})

test('generation marks vanish, the generation prompt is a switch', () => {
  const template = parseChatTemplate(
    "{% for m in messages %}{% generation %}{{ m['content'] }}{% endgeneration %}{% endfor %}{% if add_generation_prompt %} A:{% endif %}",
  )
  expect(template.render(messages)).toBe('hi A:')
  expect(template.render(messages, { addGenerationPrompt: false })).toBe('hi')
})

test('a template that cannot be parsed, and messages that it refuses', () => {
  expect(() => parseChatTemplate('{% if %}')).toThrow(expect.objectContaining({ code: 'text/chat-template' }))
  const refusing = parseChatTemplate("{{ raise_exception('roles must alternate') }}")
  expect(() => refusing.render(messages)).toThrow(
    expect.objectContaining({
      code: 'text/chat-messages',
      message: expect.stringContaining('must alternate'),
    }),
  )
})

test.each([
  ['a range without sense', '{% for i in range(1000000000) %}{% endfor %}'],
  [
    'loops in loops that do nothing',
    '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
  ],
  [
    'a list that is kept, looped over in itself',
    '{% set r = range(100000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}',
  ],
  [
    'a list that doubles',
    '{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}',
  ],
  [
    'a text that doubles',
    "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
  ],
  ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
  ['an indent without sense', '{{ messages | tojson(indent=1000000000) }}'],
])('a template that does not come to an end is refused: %s', (_, source) => {
  expect(() => parseChatTemplate(source).render(messages)).toThrow(
    expect.objectContaining({ code: 'text/chat-messages', exitCode: 3 }),
  )
})

test('a long text and many messages are rendered', () => {
  const template = parseChatTemplate(
    "{% for m in messages %}{% if messages[0]['role'] == 'user' %}{{ m.content | trim }}{% endif %}{% endfor %}",
  )
  const long = 'x'.repeat(16_000_000)
  expect(template.render([{ role: 'user', content: long }])).toBe(long)
  const many = Array.from({ length: 5000 }, (): ChatMessage => ({ role: 'user', content: ' ab ' }))
  expect(template.render(many)).toBe('ab'.repeat(5000))
})

test('ranges count as in Python', () => {
  const ranges =
    '{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(5, 1, -2) %}{{ i }}{% endfor %} {{ range(2, 0) | length }}'
  expect(parseChatTemplate(ranges).render(messages)).toBe('012 53 0')
})

test('dates are written in English', () => {
  const date = parseChatTemplate("{{ strftime_now('%d %b %Y') }}").render(messages)
  expect(date).toMatch(/^\d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}$/)
})
