"""Makes this folder's files: small tokenizers, and the ids that Hugging Face's own library gives 2,000 texts.

python make.py, with tokenizers 0.23.3 and sentencepiece 0.2.3 installed. encodings.test.ts reads the files.

texts.json.gz   the texts
NAME.json.gz    tokenizer: tokenizer.json, trained on the texts; ids and texts: CRC-32 of "1,2,3" and of the decoded text (base64 of u32)
"""
import base64
import gzip
import json
import random
import re
import tempfile
import zlib
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
TEXTS = 2000
SCRIPTS = {
    "latin": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "accents": "éèüñçøåßžŁıİĳÀÉÖ",
    "greek": "αβγδεζσςΣΩΆώ",
    "cyrillic": "абвгдежзийкЖЩЮё",
    "hebrew": "אבגדהוזשלם",
    "arabic": "ابتثجحسلامةى",
    "devanagari": "नमस्तेकिताबहिन्दी",
    "thai": "สวัสดีภาษาไทยน้ำ",
    "kana": "ひらがなカタカナー",
    "han": "日本語中文漢字学習一二三",
    "hangul": "한국어안녕하세요",
    "jamo": "ㄱㄴㅏ한",
    "fullwidth": "ＡＢｃ１２！～",
    "ligatures": "ﬁﬂ℃½²ⅷ㎏™",
    "digits": "0123456789",
    "other digits": "٠١٢३४५၁",
    "punctuation": ".,;:!?'\"()[]{}<>-_/\\@#$%^&*+=|~`",
    "more punctuation": "«»“”‘’—…¿¡、。・§¶",
    "emoji": ["😀", "👍🏽", "👨‍👩‍👧", "🇩🇪", "❤️", "🏳️‍🌈", "1️⃣"],
    "combining": ["e\u0301", "a\u0308", "o\u0302\u0323", "\u0301", "ก\u0e33"],
    "rare": ["\u00ad", "\u200b", "\u200d", "\ufeff", "\ufffd", "\u0000", "\u0007", "\u2581", "\u0130", "\U0001d54f", "\U00020000"],
}
SPACES = [" "] * 12 + ["  ", "\n", "\n\n", "\t", "\r\n", "   ", "\u00a0", "\u3000", "\u2009", "\u0085", "\u2028", " \n "]
WORDS = "the of and to in is you that it he was for on are with they be at one have this from don't it's we'll I'm They've HELLO Straße naïve".split()
SPECIAL = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "[CLS]", "[SEP]", "[UNK]", "<image>", "<mask>", "tool", "<0x0A>", "<b>"]


def make_texts():
    rng = random.Random(20240917)
    scripts = list(SCRIPTS.values())

    def word(script):
        if rng.random() < 0.35:
            return rng.choice(WORDS)
        return "".join(rng.choice(script) for _ in range(rng.randint(1, 8)))

    texts = ["", " ", "  ", "\n", "a", " a", "a ", "\u00a0a\u00a0", "ΣΑΣ ΣΑΣ.", "<s>", " <s> ", "a<s>b", "<mask> x", "x <mask>", "tool toolbox my tool, tool"]
    while len(texts) < TEXTS:
        kind = rng.random()
        mixed = rng.random() < 0.4
        script = rng.choice(scripts)
        if kind < 0.02:
            texts.append("".join(rng.choice(script) for _ in range(rng.randint(90, 300))))
            continue
        if kind < 0.06:
            texts.append("".join(rng.choice(SPACES + ["a"]) for _ in range(rng.randint(1, 20))))
            continue
        parts = []
        for _ in range(rng.randint(1, 12)):
            if rng.random() < 0.06:
                parts.append(rng.choice(SPECIAL))
            else:
                parts.append(word(rng.choice(scripts) if mixed else script))
            if rng.random() < 0.8:
                parts.append(rng.choice(SPACES))
        texts.append("".join(parts))
    return texts


def charsmap():
    """SentencePiece's own table of nmt_nfkc."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_text("\n".join(WORDS * 20), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=f"{folder}/m", vocab_size=40, normalization_rule_name="nmt_nfkc", minloglevel=2
        )
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(Path(f"{folder}/m.model").read_bytes())
        return proto.normalizer_spec.precompiled_charsmap


BYTES = pre_tokenizers.ByteLevel.alphabet()
BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]
GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
SPM_DECODER = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
CONTROL = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<image>"]


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


def byte_level(texts, pre_tokenizer, normalizer=None, post_processor=None, special=CONTROL, suffix="", **fields):
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=suffix, unk_token="<unk>" if suffix else None, **fields))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=special, initial_alphabet=BYTES, end_of_word_suffix=suffix, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = post_processor or processors.ByteLevel(trim_offsets=False)
    return tokenizer


def spm_bpe(texts, normalizer, pre_tokenizer, fallback=True, decoder=SPM_DECODER):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=fallback))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=CONTROL + BYTE_TOKENS, limit_alphabet=120, max_token_length=12, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] not in BYTE_TOKENS]
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.decoder = decoder
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


def unigram(texts, normalizer, pre_tokenizer, fallback=False, decoder=None):
    tokenizer = Tokenizer(models.Unigram())
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    special = CONTROL + (BYTE_TOKENS if fallback else [])
    trainer = trainers.UnigramTrainer(vocab_size=700, special_tokens=special, unk_token="<unk>", show_progress=False)
    # The trainer would learn special tokens as words, too.
    plain = [re.sub(r"<[|/]?\w+[|]?>", "", text) for text in texts]
    tokenizer.train_from_iterator([text for text in plain if text.strip()], trainer)
    file = json.loads(tokenizer.to_str())
    file["model"]["byte_fallback"] = fallback
    file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] not in BYTE_TOKENS]
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.decoder = decoder or decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def wordpiece(texts, lowercase, strip_accents, pre_tokenizer=None):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=strip_accents, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=800, special_tokens=special, limit_alphabet=200, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def wordlevel(texts, pre_tokenizer, normalizer=None):
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(vocab_size=2500, special_tokens=CONTROL, show_progress=False))
    return tokenizer


def added(tokenizer, *tokens):
    tokenizer.add_tokens(list(tokens))
    return tokenizer


def cases(texts):
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
    metaspace = pre_tokenizers.Metaspace
    prepend = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    precompiled = normalizers.Precompiled(charsmap())
    template = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    mask = AddedToken("<mask>", lstrip=True, rstrip=False, normalized=False)
    tool = AddedToken("tool", single_word=True, normalized=True)
    bold = AddedToken("<b>", rstrip=True, normalized=True)
    yield "gpt2", added(byte_level(texts, gpt2), mask, tool, bold)
    yield "gpt2-prefix", byte_level(texts, pre_tokenizers.ByteLevel(add_prefix_space=True), None, processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=True))
    yield "llama3", byte_level(texts, sequence(split(GPT4), bytes_only), None, processors.Sequence([processors.ByteLevel(trim_offsets=False), template]), ignore_merges=True)
    yield "qwen2", byte_level(texts, sequence(split(GPT4.replace("{1,3}", "")), bytes_only), normalizers.NFC())
    yield "tekken", byte_level(texts, sequence(split(TEKKEN), bytes_only), None, template)
    yield "digits", byte_level(texts, sequence(pre_tokenizers.Digits(individual_digits=True), gpt2))
    yield "deepseek", byte_level(texts, sequence(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True), bytes_only))
    yield "falcon", byte_level(texts, sequence(pre_tokenizers.Punctuation("contiguous"), gpt2, pre_tokenizers.Digits(), split("[0-9][0-9][0-9]")))
    yield "bloom", byte_level(texts, sequence(split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), bytes_only))
    yield "clip", byte_level(texts, sequence(split(CLIP, "removed", True), gpt2), normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]), processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False, add_prefix_space=False), suffix="</w>")
    yield "llama2", added(spm_bpe(texts, prepend, None), AddedToken("<|end|>", rstrip=True, special=True))
    # Version 0.23.3 decodes such tokens as "▁tool", older ones as "tool": only ids are compared.
    yield "llama2-added", added(spm_bpe(texts, prepend, None), tool, bold)
    yield "gemma", spm_bpe(texts, normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]))
    yield "mistral", spm_bpe(texts, None, metaspace(prepend_scheme="first", split=False))
    yield "no-fallback", spm_bpe(texts, prepend, None, fallback=False)
    yield "fuyu", unigram(texts, prepend, None, fallback=True, decoder=SPM_DECODER)
    yield "siglip", unigram(texts, normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"), ""), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]), metaspace())
    yield "t5", unigram(texts, precompiled, sequence(pre_tokenizers.WhitespaceSplit(), metaspace()))
    yield "albert", unigram(texts, normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Nmt()]), metaspace(), decoder=decoders.Metaspace(prepend_scheme="never"))
    yield "bert-uncased", wordpiece(texts, True, None)
    yield "bert-cased", wordpiece(texts, False, False)
    yield "whitespace", wordpiece(texts, True, False, pre_tokenizers.Whitespace())
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            yield f"split-{behavior}{'-invert' if invert else ''}", wordlevel(texts, split(r"\p{L}{2}|\s", behavior, invert))
    yield "punctuation", wordlevel(texts, sequence(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.CharDelimiterSplit("e"), pre_tokenizers.FixedLength(3)), normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(left=True, right=False), normalizers.NFD()]))


def crc(values):
    return base64.b64encode(b"".join(zlib.crc32(value.encode()).to_bytes(4, "little") for value in values)).decode()


def write(name, value):
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    (HERE / f"{name}.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    texts = make_texts()
    write("texts", texts)
    for name, tokenizer in cases(texts):
        tokenizer = Tokenizer.from_str(tokenizer.to_str())
        ids = [tokenizer.encode(text).ids for text in texts]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids]
        write(name, {"tokenizer": json.loads(tokenizer.to_str()), "ids": crc(",".join(map(str, row)) for row in ids), "texts": "" if name == "llama2-added" else crc(decoded)})
        print(name, sum(map(len, ids)), tokenizer.get_vocab_size())
