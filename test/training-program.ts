/**
 * @file A program for a child process: the plain training in a folder. It prints the number of each
 * update, so that a test knows when to kill it. Argument: folder.
 */

import { plainTraining } from './plain-training.ts'

await plainTraining({
  dir: process.argv[2] ?? '',
  onStep: async (step) => {
    console.log(step)
    // Long enough for the reader to act between two writes.
    await new Promise((resume) => setTimeout(resume, 5))
  },
})
console.log('done')
