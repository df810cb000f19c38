// What bifocal computes for a few pictures and prompts with a folder in LLaVA layout: input for
// load_twin_ar.py. Needs `npm run build`. Usage: node test/oracles/dump_twin_ar.mjs MODEL
// OUT.safetensors
import { fileURLToPath } from 'node:url'

const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [model, out] = process.argv.slice(2)
const [
  { openCheckpoint },
  { writeSafetensors },
  { modelOf },
  { checkpointWeights },
  { compile, Graph },
  { rootScope },
  { openSession },
  scenes,
] = await Promise.all(
  [
    'models/checkpoint/folder',
    'models/checkpoint/safetensors',
    'models/families/registry',
    'models/families/weights',
    'engine/graph/index',
    'engine/nn/index',
    'engine/runtime/session',
    'inputs/scenes/index',
  ].map(built),
)

const checkpoint = await openCheckpoint(model)
const family = modelOf(checkpoint.config)
const weights = checkpointWeights(checkpoint, family.weightSpellings)
const graph = new Graph()
const scope = rootScope(graph, { storedDtype: weights.storedDtype })
const ids = (name) => graph.input(name, 'i64', ['batch', 'seq'])
const { rows } = family.buildVision(
  scope,
  graph.input('pixel_values', 'f32', ['views', ...family.shape.view]),
)
const decoder = family.buildDecoder(scope, {
  inputIds: ids('input_ids'),
  attentionMask: ids('attention_mask'),
  imageRows: rows,
  imageIndex: ids('image_index'),
})
graph.output('hidden', decoder.norm)
const session = await openSession(compile(graph), { weights, threads: 1, thread: 'caller' })
const processor = await family.processor(model)

const data = fileURLToPath(new URL('../../packages/twins/data', import.meta.url))
const world = await scenes.loadWorld(data, 'small')
const sheets = await scenes.loadSheets(data, world.training)
const tensors = {}
const prompts = []
for (let i = 0; i < 8; i++) {
  const kind = ['caption', 'qa', 'label', 'tags'][i % 4]
  const { description, prompt: text } = scenes.pretrainingSample(world, 1, i, { kind, use: 'test' })
  const pixels = scenes.draw(description, sheets)
  const { prompt } = processor.prompt({ text, images: 1 })
  const item = processor.prepare(prompt, [{ width: 96, height: 96, data: pixels }])
  const dims = [1, item.inputIds.length]
  const i64 = (values) => ({ dtype: 'i64', dims, data: BigInt64Array.from(values, BigInt) })
  const view = item.views[0]
  const input_ids = i64(item.inputIds)
  const { hidden } = await session.run({
    pixel_values: { ...view, dims: [1, ...view.dims] },
    input_ids,
    attention_mask: i64(item.inputIds.map(() => 1)),
    image_index: i64(item.imageIndex),
  })
  prompts.push(prompt)
  tensors[`${i}.picture`] = { dtype: 'u8', dims: [96, 96, 3], data: Uint8Array.from(pixels) }
  tensors[`${i}.pixel_values`] = { ...view, dims: [1, ...view.dims] }
  tensors[`${i}.input_ids`] = input_ids
  tensors[`${i}.hidden`] = hidden
}
await writeSafetensors(out, tensors, { prompts: JSON.stringify(prompts) })
await session.close()
