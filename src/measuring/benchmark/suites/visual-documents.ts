/**
 * @file The visual documents of MMEB-V2: folders in the layout of BEIR, scored by nDCG@5.
 * @see github.com/TIGER-AI-Lab/VLM2Vec, src/data/eval_dataset/vidore_dataset.py
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FileError, readFailure } from '../../../foundation/files/errors.ts'
import { beirSource, isBeir, type OwnTask } from './own.ts'
import type { TaskSource } from './suite.ts'

/** Of queries and of documents, in the words of the published code. */
const INSTRUCTIONS = {
  instruction: 'Find a document image that matches the given query:',
  targetInstruction: 'Understand the content of the provided document image.',
}

/** The average of all visual documents. */
const AVERAGE = 'visdoc'

/**
 * A folder of a dataset of ViDoRe or VisRAG as the hub has it, or a folder of such folders. The
 * part of ViDoRe's files is `test`, that of VisRAG's `train`: where there is no `test`, all files
 * are read. Queries of all languages are rows. Instructions are the published ones, where none are
 * given.
 * @throws FileError `file/missing` where no folder holds queries, corpus and qrels
 */
export async function visualDocumentSources(
  path: string,
  said: Pick<OwnTask, 'instruction' | 'targetInstruction' | 'split'>,
): Promise<TaskSource[]> {
  const names = await readdir(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
  const folders: string[] = []
  if (await isBeir(path)) folders.push(path)
  else for (const name of names.sort()) if (await isBeir(join(path, name))) folders.push(join(path, name))
  if (folders.length === 0)
    throw new FileError('missing', {
      message: `${path} holds no visual documents: expected folders with queries, corpus and qrels`,
      hint: 'Name the folder of a dataset of ViDoRe or VisRAG, or the folder that holds several.',
    })
  return folders.map((folder) => ({
    ...beirSource({ ...INSTRUCTIONS, ...said, path: folder }, [AVERAGE]),
    suite: 'mmeb',
  }))
}
