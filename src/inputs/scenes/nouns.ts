/** @file English forms of labels: article, plural, counted and listed nouns. */

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'] as const

/** "one" … "six" for 1 … 6: the answers of counting questions. */
export function numberWord(n: number): string {
  return NUMBERS[n] ?? String(n)
}

/** Vowel letters that sound as consonants, and the one silent h of the labels. */
const CONSONANT_SOUND = /^(?:uni|uku|use|euro|one)/i
const VOWEL_SOUND = /^(?:[aeiou]|hour|x-ray)/i

/** "a dog", "an owl", "a unicorn". */
export function withArticle(words: string): string {
  return `${VOWEL_SOUND.test(words) && !CONSONANT_SOUND.test(words) ? 'an' : 'a'} ${words}`
}

/** Last words whose plural no rule makes. */
const PLURALS = new Map<string, string>(
  Object.entries({
    mouse: 'mice',
    goose: 'geese',
    ox: 'oxen',
    leaf: 'leaves',
    knife: 'knives',
    wolf: 'wolves',
    calf: 'calves',
    scarf: 'scarves',
    loaf: 'loaves',
    sheep: 'sheep',
    deer: 'deer',
    bison: 'bison',
    moose: 'moose',
    fish: 'fish',
    shrimp: 'shrimp',
    squid: 'squid',
    die: 'dice',
    fly: 'flies',
    cactus: 'cacti',
    octopus: 'octopuses',
    tooth: 'teeth',
    foot: 'feet',
    man: 'men',
    woman: 'women',
    child: 'children',
    buffalo: 'buffalo',
    blowfish: 'blowfish',
    jellyfish: 'jellyfish',
    potato: 'potatoes',
    tomato: 'tomatoes',
    mango: 'mangoes',
    mosquito: 'mosquitoes',
    volcano: 'volcanoes',
    bus: 'buses',
    trolleybus: 'trolleybuses',
    minibus: 'minibuses',
    'yo-yo': 'yo-yos',
  }),
)

/** "dogs", "cherries", "game dice"; the last word carries the ending. */
export function plural(label: string): string {
  const words = label.split(' ')
  const last = words.pop() ?? ''
  return [...words, pluralWord(last)].join(' ')
}

function pluralWord(word: string): string {
  const known = PLURALS.get(word)
  if (known !== undefined) return known
  if (/(?:s|x|z|ch|sh)$/.test(word)) return `${word}es`
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`
  return `${word}s`
}

/** "one dog", "three dogs". */
export function counted(n: number, label: string): string {
  return `${numberWord(n)} ${n === 1 ? label : plural(label)}`
}

/** "a, b and c". */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
