/** @file Chat templates: they turn messages into the prompt that a model was trained on. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Template } from '@huggingface/jinja'
import { z } from 'zod'
import { readJson, readText } from '../../foundation/files/file.ts'
import { TextError } from './errors.ts'
import { renderTemplate } from './template-interpreter.ts'
import { readSpecialTokens, readTokenizerConfig } from './tokenizer-config.ts'

type ContentPart = { type: 'text'; text: string } | { type: 'image' }

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  /**
   * A string where the template wants one (LaViDa, MMaDA), parts where it places the images itself
   * (LLaVA, Qwen-VL).
   */
  content: string | readonly ContentPart[]
}

export interface ChatTemplate {
  /**
   * Makes the prompt. Image placeholders are not expanded yet.
   * @param options.addGenerationPrompt ends with the header of an answer; default true
   * @throws TextError `text/chat-messages` when the template refuses the messages
   */
  render(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string
}

/**
 * The chat template of a folder: `chat_template.jinja`, else `chat_template.json`, else the one in
 * tokenizer_config.json (of a list, the one called `default`). Undefined when the folder has none.
 * @throws TextError `text/chat-template` when it can't be parsed; FileError when a file can't be
 *   read
 * @see specs/ar-vlms.md §12
 */
export async function loadChatTemplate(dir: string): Promise<ChatTemplate | undefined> {
  const config = await readTokenizerConfig(dir)
  const source = await templateSource(dir, config.chat_template ?? undefined)
  return source === undefined
    ? undefined
    : parseChatTemplate(source, (await readSpecialTokens(dir, config)).named, dir)
}

/**
 * A chat template from its Jinja source. `{% generation %}` marks (which parts of a conversation
 * are answers) are left out.
 * @param special the special tokens that templates name, e.g. `{ bos_token: '<s>' }`
 * @param where   for messages
 * @throws TextError `text/chat-template`
 */
export function parseChatTemplate(
  source: string,
  special: Readonly<Record<string, string>> = {},
  where = 'chat template',
): ChatTemplate {
  const template = attempt(
    'chat-template',
    `${where}: the chat template cannot be parsed`,
    () => new Template(source),
  )
  return {
    render: (messages, { addGenerationPrompt = true } = {}) =>
      attempt('chat-messages', `${where}: the chat template refuses the messages`, () =>
        renderTemplate(template, { ...special, messages, add_generation_prompt: addGenerationPrompt }),
      ),
  }
}

async function templateSource(
  dir: string,
  inConfig: string | { name: string; template: string }[] | undefined,
): Promise<string | undefined> {
  const [jinja, json] = [join(dir, 'chat_template.jinja'), join(dir, 'chat_template.json')]
  if (existsSync(jinja)) return await readText(jinja)
  if (existsSync(json)) return (await readJson(json, z.object({ chat_template: z.string() }))).chat_template
  if (inConfig === undefined || typeof inConfig === 'string') return inConfig
  return inConfig.find(({ name }) => name === 'default')?.template
}

function attempt<T>(code: 'chat-messages' | 'chat-template', what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new TextError(code, {
      message: `${what}: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Compare with the template of the published repository: does it take strings or parts, a system message, roles in turn?',
      cause,
    })
  }
}
