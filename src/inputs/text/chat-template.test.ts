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
