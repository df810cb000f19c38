"""Token ids by Python's tokenizers and transformers, for src/inputs/text/reference.test.ts.

    python test/oracles/token_ids.py [RANDOM_STRINGS] > test/fixtures/text/tokenizers.json

`strings`: texts that all tokenizers get. `tokenizers`: for each a tokenizer.json, with a vocabulary
of the very pieces that Python cuts the strings into, so that a text cut elsewhere has other ids.
`classes`: the same tokenizer.json under settings of tokenizer_config.json that transformers acts
upon. Made with tokenizers 0.22 and transformers 4.57.

    python test/oracles/token_ids.py --golden GOLDEN_DIR RANDOM_STRINGS FOLDER... > FILE

prints {"strings", "checkpoints": {folder: ids of each string}} for the checkpoints of these
fixtures; FILE is test/fixtures/text/golden-ids.json.

    python test/oracles/token_ids.py --characters

prints what normalizers and pre-tokenizers do to each code point alone; src/inputs/text/unicode.ts
was made from it.
"""
import base64, json, os, pathlib, random, struct, sys, tempfile, unicodedata

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers as N, pre_tokenizers as P, processors

BITS = [
    " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\ufeff", "\u0085", "\u200b", "\u2028", "a", "cat", "The", "DON'T", "it's",
    "'S", "'ſ", "we'LL", "½", "²", "٣", "Ⅳ", "१२", "2024", "2 ½ cups", "سنة ٢٠٢٤", "ΟΔΟΣ", "οδος", "Σ", "İstanbul", "ſ", "K", "ﬁ", "①",
    "Ⓐ", "漢字", "ひらがな", "カタカナー", "한국어", "🙂", "👨‍👩‍👧", "é", "e\u0301", "Å", "ﷺ", "㍿", "㋿", "!", "?!", "...", "-", "_", "#", "$1", "$&", "<", ">",
    "[X]", "[Y]", "a[X]b", "[X] ", " [X]", "x[W]", "[W]", "▁", "▁▁a", "\\", "/", "a1b2", "·", "“q”", "\U0001d400", "ß", "\u0345", "x\u0300\u0301",
    "\U0001e030", "\U00011383", "\u180e", "a\u00adb", "\x01", "\x7f", "\u2e43", "Яя", "αA", "__x__", "\u1cf2", "the cat", "caTS",
]


def strings(count):
    random.seed(3)
    made = ["", *BITS]
    made += ["".join(random.choice(BITS) for _ in range(random.randint(2, 8))) for _ in range(count)]
    for _ in range(count // 9):
        codes = [random.choice([random.randint(1, 0x2FF), random.randint(0x300, 0xFFFF), random.randint(0x10000, 0x1FFFF)]) for _ in range(8)]
        made.append("".join(chr(c) for c in codes if unicodedata.category(chr(c)) not in ("Cn", "Cs")))
    return made


def charsmap():
    """A map in SentencePiece's form: a double array over UTF-8 bytes, and what its words become."""
    words = {"ﬁ": "fi", "①": "1", "Å": "A\u030a", "e\u0301": "é", "\u200b": "", "\t": " ", "㍿": "株式会社", "a\u0300": "à", "\u3000": " "}
    values, blob = {}, b""
    for word, becomes in words.items():
        values[word.encode()] = len(blob)
        blob += becomes.encode() + b"\0"
    units, used = [0] * 4096, {0}

    def place(prefix, node):
        children = sorted({key[len(prefix)] for key in values if key.startswith(prefix) and len(key) > len(prefix)})
        leaf = prefix in values
        labels = ([0] if leaf else []) + children
        offset = next(o for o in range(1, 4096) if all((node ^ o ^ label) not in used and (node ^ o ^ label) < 4096 for label in labels) and o < 1 << 21)
        units[node] |= (offset << 10) | (0x100 if leaf else 0)
        base = node ^ offset
        for label in labels:
            used.add(base ^ label)
        if leaf:
            units[base] = values[prefix] | 1 << 31
        for label in children:
            units[base ^ label] = label
        for label in children:
            place(prefix + bytes([label]), base ^ label)

    place(b"", 0)
    return base64.b64encode(struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + blob).decode()


QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
WHITE = P.WhitespaceSplit()
NORMALIZERS = {
    "nfc": N.NFC(), "nfd": N.NFD(), "nfkc": N.NFKC(), "nfkd": N.NFKD(), "lowercase": N.Lowercase(),
    "strip": N.Strip(), "strip-left": N.Strip(right=False), "strip-accents": N.Sequence([N.NFD(), N.StripAccents()]), "nmt": N.Nmt(),
    "replace": N.Sequence([N.Replace("a", "$&b"), N.Replace(Regex(r"\s+"), " "), N.Replace(Regex(r"[^\w]"), "_")]),
    "prepend": N.Sequence([N.Strip(), N.Prepend("▁"), N.Replace(" ", "▁")]), "byte-level": N.ByteLevel(),
    "bert": N.BertNormalizer(), "bert-cased": N.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False),
    "precompiled": N.Precompiled(base64.b64decode(charsmap())),
}
PRE_TOKENIZERS = {
    "digits": P.Digits(individual_digits=True), "numbers": P.Digits(individual_digits=False), "punctuation": P.Punctuation(),
    "punctuation-next": P.Punctuation("merged_with_next"), "whitespace": P.Whitespace(), "whitespace-split": WHITE, "bert": P.BertPreTokenizer(),
    "scripts": P.UnicodeScripts(), "delimiter": P.CharDelimiterSplit("a"), "fixed": P.FixedLength(3), "byte-level": P.ByteLevel(add_prefix_space=True),
    "byte-level-whole": P.ByteLevel(add_prefix_space=False, use_regex=False), "metaspace": P.Metaspace(), "metaspace-first": P.Metaspace(prepend_scheme="first"),
    "metaspace-never": P.Metaspace(prepend_scheme="never", split=False), "smollm": P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]),
    "qwen2": P.Sequence([P.Split(Regex(QWEN2), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]), "cl100k": P.Split(Regex(CL100K), "isolated"),
    "words": P.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True), "boundaries": P.Split(Regex(r"\b"), "isolated"),
    "case": P.Split(Regex(r"(?<=\p{Ll})(?=\p{Lu})"), "isolated"),
    **{f"split-{how}{'-invert' if invert else ''}": P.Split(Regex(r"[\s!]"), how, invert=invert) for how in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"] for invert in [False, True]},
    "gemma": P.Split(" ", "merged_with_previous"),
}


def flags(**on):
    return [AddedToken("[X]", normalized=False, **on), AddedToken("[W]", normalized=False, single_word=True), AddedToken("the cat", normalized=True, **on), AddedToken("[X]y", normalized=True)]


ADDED = {"plain": flags(), "left": flags(lstrip=True), "right": flags(rstrip=True), "both": flags(lstrip=True, rstrip=True, single_word=True)}


def pieces_of(tokenizer, texts):
    """A vocabulary of all pieces that a model of words would be asked for."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2}
    seen = Tokenizer.from_str(tokenizer.to_str())
    normalizer, pre = tokenizer.normalizer or N.Sequence([]), tokenizer.pre_tokenizer or P.Sequence([])
    for text in texts:
        for part in {text, *text.split("[X]"), *text.split("[W]")}:
            for piece, _ in pre.pre_tokenize_str(normalizer.normalize_str(part)):
                vocabulary.setdefault(piece, len(vocabulary))
    return vocabulary


def word_level(texts, normalizer=None, pre_tokenizer=None, added=(), post=None):
    made = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    if normalizer is not None:
        made.normalizer = normalizer
    if pre_tokenizer is not None:
        made.pre_tokenizer = pre_tokenizer
    made.model = models.WordLevel(pieces_of(made, texts), unk_token="<unk>")
    if post is not None:
        made.post_processor = post
    made.add_tokens(list(added))
    return made


LETTERS = ["<unk>", "<s>", "</s>", *"aeotchTs", "th", "the", "ca", "cat", "at", "é", "▁", "▁t", "▁the", "[X]", "ao"]
MERGES = [("t", "h"), ("th", "e"), ("c", "a"), ("ca", "t"), ("a", "t"), ("▁", "t"), ("▁", "the"), ("a", "o")]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def models_of():
    bpe = lambda more=(), **settings: Tokenizer(models.BPE({token: id for id, token in enumerate([*LETTERS, *more])}, MERGES, **settings))
    scored = [("<unk>", 0.0), ("<s>", 0.0), ("▁", -2.0), *[(c, -3.0) for c in "aeotchTs"], ("the", -4.0), ("▁the", -4.5), ("cat", -4.0), ("▁cat", -7.0), ("é", -5.0), ("at", -4.0)]
    spaced = lambda t: (setattr(t, "pre_tokenizer", P.Metaspace()), t)[1]
    cut = lambda t: (setattr(t, "pre_tokenizer", WHITE), t)[1]
    pieces = {w: i for i, w in enumerate(["[UNK]", "a", "c", "cat", "##at", "##s", "the", "##e", "##cat", "t", "##h", "!"])}
    return {
        "bpe-unk": cut(bpe(unk_token="<unk>")), "bpe-fused": cut(bpe(unk_token="<unk>", fuse_unk=True)), "bpe-dropped": bpe(),
        "bpe-bytes": bpe(BYTES, unk_token="<unk>", byte_fallback=True, fuse_unk=True), "bpe-some-bytes": bpe(BYTES[:200], unk_token="<unk>", byte_fallback=True),
        "bpe-whole": cut(bpe(["cats", "DON'T"], unk_token="<unk>", ignore_merges=True)), "bpe-suffix": cut(bpe([c + "</w>" for c in "aeotchs"], unk_token="<unk>", end_of_word_suffix="</w>")),
        "unigram": spaced(Tokenizer(models.Unigram(scored, 0, False))), "unigram-whole": Tokenizer(models.Unigram(scored, 0, False)),
        "unigram-bytes": spaced(Tokenizer(models.Unigram([*scored, *[(b, -9.0) for b in BYTES]], 0, True))),
        "wordpiece": (lambda t: (setattr(t, "pre_tokenizer", P.BertPreTokenizer()), setattr(t, "normalizer", N.BertNormalizer()), t)[2])(Tokenizer(models.WordPiece(pieces, unk_token="[UNK]", max_input_chars_per_word=9))),
    }


def template(single, **tokens):
    return processors.TemplateProcessing(single=single, special_tokens=list(tokens.items()) if tokens else [("<s>", 1), ("</s>", 2)])


def every_tokenizer(texts):
    made = {f"normalizer-{name}": word_level(texts, normalizer, WHITE) for name, normalizer in NORMALIZERS.items()}
    made |= {f"pre-tokenizer-{name}": word_level(texts, None, pre) for name, pre in PRE_TOKENIZERS.items()}
    made |= {f"added-{name}": word_level(texts, N.Sequence([N.Lowercase(), N.NFKC()]), P.Split(Regex(r"\s"), "isolated"), added) for name, added in ADDED.items()}
    made["added-metaspace"] = word_level(texts, None, P.Metaspace(prepend_scheme="first"), ADDED["left"])
    cls, sep = ("<s>", 1), ("</s>", 2)
    posts = {"template": template("<s> $A </s> </s>"), "bert": processors.BertProcessing(sep, cls), "roberta": processors.RobertaProcessing(sep, cls), "sequence": processors.Sequence([processors.ByteLevel(), template("$A </s>")])}
    made |= {f"post-{name}": word_level(texts, None, WHITE, (), post) for name, post in posts.items()}
    return made | models_of()


CLASSES = [
    {"tokenizer_class": kind, **settings}
    for kind in ["LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer", "Qwen2Tokenizer", "GPT2Tokenizer", "PreTrainedTokenizerFast", "CodeLlamaTokenizerFast", "CohereTokenizerFast", "GPTNeoXTokenizer"]
    for settings in [{}, {"add_eos_token": True}, {"add_bos_token": False}, {"add_bos_token": True, "add_eos_token": True}]
] + [
    {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": True},
    {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"3": {"content": "cat", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False, "special": False}}},
    {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"99": {"content": "[Z]", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True}}},
    {"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": "cat", "additional_special_tokens": ["The"]},
    {"tokenizer_class": "PreTrainedTokenizerFast", "split_special_tokens": True},
]


def class_cases(texts):
    from transformers import AutoTokenizer

    made = word_level(texts, None, P.ByteLevel(add_prefix_space=True), [AddedToken("[X]", special=True)], template("</s> $A"))
    cases = []
    for settings in CLASSES:
        with tempfile.TemporaryDirectory() as folder:
            made.save(f"{folder}/tokenizer.json")
            config = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", **settings}
            if "Cohere" in settings["tokenizer_class"]:
                config["bos_token"], config["eos_token"] = "<s>", "</s>"
            pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(config))
            loaded = AutoTokenizer.from_pretrained(folder)
            cases.append({"config": config, "class": type(loaded).__name__, "ids": [loaded.encode(text) for text in texts]})
    return {"tokenizer": json.loads(made.to_str()), "cases": cases}


def golden(root, texts, names):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen2Tokenizer

    found = {}
    for folder in [f"{root}/{name}/checkpoint" for name in names]:
        try:
            loaded = AutoTokenizer.from_pretrained(folder) if os.path.exists(f"{folder}/tokenizer.json") else Qwen2Tokenizer.from_pretrained(folder)
        except ImportError:
            loaded = PreTrainedTokenizerFast.from_pretrained(folder)
        found[pathlib.Path(folder).parent.name] = [loaded.encode(text) for text in texts]
    return {"strings": texts, "checkpoints": found}


def characters():
    every = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    made = {}
    for name in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"]:
        normalizer = getattr(N, name)()
        made[name] = {ord(c): r for c in every if (r := normalizer.normalize_str(c)) != c}
    for name, pre in {"Digits": P.Digits(True), "Punctuation": P.Punctuation(), "WhitespaceSplit": WHITE}.items():
        made[name] = [ord(c) for c in every if len(pre.pre_tokenize_str("x" + c + "x")) > 1]
    return made


def main(arguments):
    if arguments[:1] == ["--characters"]:
        return characters()
    if arguments[:1] == ["--golden"]:
        return golden(arguments[1], strings(int(arguments[2])), arguments[3:])
    texts = strings(int(arguments[0]) if arguments else 20)
    tokenizers = {name: {"tokenizer": json.loads(t.to_str()), "ids": [t.encode(text).ids for text in texts]} for name, t in every_tokenizer(texts).items()}
    return {"strings": texts, "tokenizers": tokenizers, "classes": class_cases(texts)}


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout, ensure_ascii=False, separators=(",", ":"))
