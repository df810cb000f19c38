// Folders as bifocal writes them after a tuning, and vectors of items: input for
// peft_round_trip.py, which runs this. Needs `npm run build`. Usage:
//   node test/oracles/tuned_folders.mjs write CHECKPOINT OUT ITEMS.json
//   node test/oracles/tuned_folders.mjs embed FOLDER BASE ITEMS.json
//   node test/oracles/tuned_folders.mjs describe FOLDER ITEMS.json
// ITEMS.json: { placeholder, items: [{ text, image? }] }. Prints vectors as JSON; `describe` also the
// base, the prompts and the pooling of the folder's contract.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [
  { Embedder },
  { openSubject, withState },
  { tunableModel },
  { openTrained },
  { trainSettings },
  { writeTrained },
  { mergeModel },
  { mergeAdapters },
  { stream },
  { SequenceInputs },
  { keyItem },
] = await Promise.all(
  [
    'models/embedder/embedder',
    'models/embedder/subject',
    'learning/tuning/tunable',
    'learning/tuning/trained/trained',
    'learning/tuning/trained/settings',
    'learning/tuning/tuned-folder',
    'models/embedder/merge/checkpoint',
    'models/embedder/merge/adapters',
    'foundation/numeric/random',
    'models/embedder/sequence-inputs',
    'inputs/data/item',
  ].map(built),
)

const [mode, ...rest] = process.argv.slice(2)
const { placeholder, items } = JSON.parse(readFileSync(rest.at(-1), 'utf8'))
const contract = {
  prompt: { template: '{image}{text}', placeholder },
  readout: { layer: 'last', norm: 'after', pool: 'last' },
}
const options = { threads: 1, preset: 'none' }

async function vectorsOf(embedder) {
  const { vectors } = await embedder.embed(items)
  await embedder.close()
  const width = vectors.data.length / items.length
  return items.map((_, row) => Array.from(vectors.data.subarray(row * width, (row + 1) * width)))
}

if (mode === 'embed') {
  const [folder, base] = rest
  const subject = withState(await openSubject(base, { ...options, adapter: folder }), { contract })
  console.log(JSON.stringify(await vectorsOf(await Embedder.over(subject))))
} else if (mode === 'describe') {
  const [folder] = rest
  const subject = await openSubject(folder, { threads: 1 })
  const { contract, checkpoint } = subject.encoder
  const inputs = await SequenceInputs.open(subject.model, subject.encoder)
  const prompts = []
  for (const item of items) prompts.push((await inputs.prepare(await keyItem(item))).prompt)
  await inputs.close()
  const vectors = await vectorsOf(await Embedder.over(subject))
  console.log(JSON.stringify({ base: checkpoint.dir, prompts, pool: contract.readout.pool, vectors }))
} else {
  const [checkpoint, out] = rest
  const { model_type: type } = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8'))
  const projector = type === 'qwen2_vl' ? 'visual.merger' : 'multi_modal_projector'
  const kinds = {
    lora: { rank: 4 },
    'lora-vlm2vec': { rank: 4, targets: 'vlm2vec', rslora: true },
    dora: { rank: 4, dora: true },
    'dora-everything': { rank: 2, dora: true, targets: 'decoder+projector+tower' },
    'modules-to-save': { rank: 4, targets: ['q_proj', 'v_proj'], modulesToSave: [projector] },
    'rank-pattern': {
      rank: 4,
      rankPattern: { 'self_attn\\.v_proj': 2 },
      targets: '.*language_model.*(q|v)_proj',
    },
    all: { method: 'all', targets: 'decoder+projector+tower' },
  }
  const found = {}
  for (const [kind, given] of Object.entries(kinds)) {
    const subject = withState(await openSubject(checkpoint, options), { contract })
    const model = tunableModel(subject)
    const trained = await openTrained(model, trainSettings.parse(given), 1)
    // As a training would: large enough that a mistake shows.
    for (const [name, { data }] of Object.entries(trained.parameters)) {
      const random = stream(kind, name)
      for (let i = 0; i < data.length; i++) data[i] += (random() - 0.5) / 8
    }
    await writeTrained(join(out, kind), { model, trained })
    found[kind] = await vectorsOf(await Embedder.load(join(out, kind), { threads: 1 }))
  }
  for (const kind of ['lora', 'dora', 'modules-to-save']) {
    await mergeModel(join(out, kind), { out: join(out, `merged-${kind}`) })
    found[`merged-${kind}`] = await vectorsOf(
      await Embedder.load(join(out, `merged-${kind}`), { threads: 1 }),
    )
  }
  await mergeAdapters([join(out, 'lora'), join(out, 'rank-pattern')], {
    weights: [2, 1],
    out: join(out, 'joined'),
  })
  found.joined = await vectorsOf(await Embedder.load(join(out, 'joined'), { threads: 1 }))
  console.log(JSON.stringify(found))
}
