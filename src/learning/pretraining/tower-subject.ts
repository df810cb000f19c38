/** @file The image tower as a subject of pretraining. */

import { readModel, writeTower } from './folder.ts'
import { towerGates } from './gates.ts'
import { HEADS, HIDDEN, PLAIN_STEPS, SETTLING_STEPS, TOWER, TOWER_RATES, TOWER_TRAINING } from './recipe.ts'
import type { PretrainingSubject } from './subject.ts'
import { trainTower } from './tower.ts'

export const towerSubject: PretrainingSubject = {
  name: 'tower',
  training: TOWER_TRAINING,
  train: (at, training, run) => trainTower(at, { ...TOWER_TRAINING, ...training }, run),
  write: (dir, trained, vocabulary) => writeTower(dir, trained, vocabulary),
  read: async (dir) => (await readModel(dir)).parameters,
  gates: towerGates,
  answers: async () => [],
  card: {
    name: 'tower',
    library: 'transformers',
    task: 'zero-shot-image-classification',
    summary:
      'The image tower that all twins share, with a text tower beside it: a dual encoder in SigLIP ' +
      'layout for pictures of emoji-like drawings. In a study it is the baseline that was trained to put ' +
      'pictures and texts into one space.',
    rates: TOWER_RATES,
    recipe: (numbers) => [
      `${numbers(() => true)} parameters: image tower ` +
        `${numbers((parameter) => parameter.startsWith('vision_model.'))} (${TOWER.layers} layers, width ` +
        `${HIDDEN}, ${HEADS} heads), text tower ` +
        `${numbers((parameter) => parameter.startsWith('text_model.'))} (${TOWER.textLayers} layers).`,
      'Softmax over captions, hard near-copies and a bank of labels; beside it, what each patch shows ' +
        `(concept, colour) and the background, from heads that are dropped. From step ${PLAIN_STEPS} on, ` +
        'with the learning rate raised anew, most pictures show their drawings turned, stretched, ' +
        'mirrored, moved or in other colours, and a third of the single things as silhouettes; the last ' +
        `${SETTLING_STEPS} steps show fewer of either. \`logit_bias\` is 0: a softmax knows none.`,
    ],
    unequal: [],
    sections: [],
  },
}
