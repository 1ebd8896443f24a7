"""Writes a checkpoint of random weights in the shape of SmolVLM-256M, and the same weights as the ONNX graphs that
transformers.js runs. For `npm run bench -- --only compare-smolvlm`.

  python3 -m venv VENV
  VENV/bin/pip install torch==2.15.0 transformers==5.24.0 onnx==1.23.2 onnxruntime==1.32.0
  VENV/bin/python bench/peers/export_smolvlm.py

The graphs use the operators that onnxruntime's own model builder writes (norms, GELU, RoPE), plain matmuls and softmax
for attention, and logits of the last rows only. ONNX and torch must agree to an NMSE of 1e-6.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from transformers import Idefics3Config, Idefics3ForConditionalGeneration

DESCRIPTIONS = Path(__file__).parent / "../../test/families/idefics3/SmolVLM-256M-Instruct"
NMSE_SAME = 1e-6
OPSET = 17
MICROSOFT = "com.microsoft"
# Two by two tiles and an overview for a square picture of this side.
LONGEST_EDGE = 1024
# Ids as published.
END_OF_TEXT, START, END = 0, 1, 2
GLOBAL_TAG, FIRST_TAG, MOST_TAGS, FAKE, IMAGE, END_OF_UTTERANCE = 49152, 49153, 6, 49189, 49190, 49279
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fovea-test-models/smolvlm-random"
    parser.add_argument("--out", type=Path, default=cache, help=f"the folder, replaced (default: {cache})")
    parser.add_argument("--blocks", type=int, default=2, help="blocks of the encoder, published: 12 (default: 2)")
    parser.add_argument("--layers", type=int, default=2, help="layers of the decoder, published: 30 (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: 1)")
    args = parser.parse_args()

    config = json.loads((DESCRIPTIONS / "config.json").read_text())
    config["vision_config"].update(num_hidden_layers=args.blocks, intermediate_size=3072)
    config["text_config"]["num_hidden_layers"] = args.layers
    model = random_model(config, args.seed)
    # Under another name until it is checked.
    made = args.out.with_name(f"{args.out.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    (made / "onnx").mkdir(parents=True)
    write_descriptions(made, config)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, made / "model.safetensors", metadata={"format": "pt"})
    for name, graph in graphs(model, config).items():
        onnx.save(graph, made / "onnx" / f"{name}.onnx")
    check(model, config, made / "onnx")
    shutil.rmtree(args.out, ignore_errors=True)
    made.rename(args.out)
    print(f"{args.out}: {sum(tensor.numel() for tensor in weights.values()) / 1e6:.1f} million parameters")


def random_model(config, seed):
    """Weights of about a trained model's size: matmuls keep the size of their input."""
    torch.manual_seed(seed)
    model = Idefics3ForConditionalGeneration._from_config(Idefics3Config.from_dict(config), attn_implementation="eager")
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.dim() == 1:
                tensor.uniform_(-0.1, 0.1)
                if "norm" in name and name.endswith("weight"):
                    tensor.add_(1)
            else:
                tensor.normal_(0, 1 if "embed_tokens" in name else tensor[0].numel() ** -0.5)
    return model.float().eval()


def write_descriptions(out, config):
    """Descriptions as published, and a tokenizer of single bytes with the published number of tokens and special ids."""
    def write(name, content):
        (out / name).write_text(json.dumps(content, indent=2, ensure_ascii=False))

    write("config.json", config)
    preprocessor = json.loads((DESCRIPTIONS / "preprocessor_config.json").read_text())
    write("preprocessor_config.json", {**preprocessor, "size": {"longest_edge": LONGEST_EDGE}})
    shutil.copy(DESCRIPTIONS / "processor_config.json", out)
    write("generation_config.json", {"bos_token_id": START, "eos_token_id": END_OF_UTTERANCE, "pad_token_id": END})
    special = {END_OF_TEXT: "<|endoftext|>", START: "<|im_start|>", END: "<|im_end|>", GLOBAL_TAG: "<global-img>"}
    for i in range(MOST_TAGS**2):
        special[FIRST_TAG + i] = f"<row_{i // MOST_TAGS + 1}_col_{i % MOST_TAGS + 1}>"
    special |= {FAKE: "<fake_token_around_image>", IMAGE: "<image>", END_OF_UTTERANCE: "<end_of_utterance>"}
    for i in range(IMAGE + 1, END_OF_UTTERANCE):
        special[i] = f"<|reserved_special_token_{i - IMAGE - 1}|>"
    # The characters that stand for bytes in a byte-level vocabulary.
    letters = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x144)]
    words = [special[i] for i in (END_OF_TEXT, START, END)] + [chr(letter) for letter in letters]
    words += [f"w{i}" for i in range(len(words), GLOBAL_TAG)]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write(
        "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": i, "content": text, **flags} for i, text in sorted(special.items())],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {"type": "BPE", "vocab": {word: i for i, word in enumerate(words)}, "merges": []},
        },
    )
    write(
        "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "bos_token": special[START],
            "eos_token": special[END_OF_UTTERANCE],
            "pad_token": special[END],
            "chat_template": TEMPLATE,
        },
    )


class Graph:
    """An ONNX graph under construction; tensors are known by their names."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.inputs, self.outputs = weights, [], {}, [], []

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def result(self, name, shape):
        """Makes a named tensor an output."""
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, values, name=None):
        name = name or f"constant{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, name, change=lambda tensor: tensor):
        return self.constant(np.ascontiguousarray(change(self.weights[name].detach().numpy())), name)

    def node(self, kind, inputs, name=None, domain="", **attributes):
        name = name or f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, domain=domain, **attributes))
        return name

    def linear(self, x, name, bias=True):
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", lambda tensor: tensor.T)])
        return self.node("Add", [product, self.weight(f"{name}.bias")]) if bias else product

    def reshape(self, x, *shape):
        return self.node("Reshape", [x, self.ints(*shape)])

    def transpose(self, x, *order):
        return self.node("Transpose", [x], perm=order)

    def model(self, name):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def graphs(model, config):
    weights = dict(model.named_parameters())
    return {
        "vision_encoder": vision_encoder(Graph(weights), config),
        "embed_tokens": embed_tokens(Graph(weights), config),
        "decoder_model_merged": decoder(Graph(weights), config),
    }


def embed_tokens(graph, config):
    ids = graph.input("input_ids", TensorProto.INT64, ["batch", "rows"])
    graph.node("Gather", [graph.weight("model.text_model.embed_tokens.weight"), ids], name="inputs_embeds")
    graph.result("inputs_embeds", ["batch", "rows", config["text_config"]["hidden_size"]])
    return graph.model("embed_tokens")


def vision_encoder(graph, config):
    vision, factor = config["vision_config"], config["scale_factor"]
    width, heads, side = vision["hidden_size"], vision["num_attention_heads"], vision["image_size"]
    grid, head = side // vision["patch_size"], width // heads
    prefix = "model.vision_model"

    def norm(x, name):
        inputs = [x, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")]
        return graph.node("LayerNormalization", inputs, epsilon=1e-6)

    def split(x, order):
        return graph.transpose(graph.reshape(x, 0, 0, heads, head), *order)

    pixels = graph.input("pixel_values", TensorProto.FLOAT, ["batch", "views", 3, side, side])
    # Tiles are full, so that no patch is masked: the graph does not read it.
    graph.input("pixel_attention_mask", TensorProto.BOOL, ["batch", "views", side, side])
    patch = f"{prefix}.embeddings.patch_embedding"
    inputs = [graph.reshape(pixels, -1, 3, side, side), graph.weight(f"{patch}.weight"), graph.weight(f"{patch}.bias")]
    patches = graph.node("Conv", inputs, strides=[vision["patch_size"]] * 2)
    x = graph.transpose(graph.reshape(patches, 0, width, grid * grid), 0, 2, 1)
    x = graph.node("Add", [x, graph.weight(f"{prefix}.embeddings.position_embedding.weight")])
    scale = graph.constant(np.float32(head**-0.5))
    for block in range(vision["num_hidden_layers"]):
        name = f"{prefix}.encoder.layers.{block}"
        h = norm(x, f"{name}.layer_norm1")
        q = split(graph.linear(h, f"{name}.self_attn.q_proj"), [0, 2, 1, 3])
        k = split(graph.linear(h, f"{name}.self_attn.k_proj"), [0, 2, 3, 1])
        v = split(graph.linear(h, f"{name}.self_attn.v_proj"), [0, 2, 1, 3])
        shares = graph.node("Softmax", [graph.node("MatMul", [graph.node("Mul", [q, scale]), k])], axis=-1)
        seen = graph.reshape(graph.transpose(graph.node("MatMul", [shares, v]), 0, 2, 1, 3), 0, 0, width)
        x = graph.node("Add", [x, graph.linear(seen, f"{name}.self_attn.out_proj")])
        h = graph.linear(norm(x, f"{name}.layer_norm2"), f"{name}.mlp.fc1", bias=False)
        h = graph.node("FastGelu", [h, graph.weight(f"{name}.mlp.fc1.bias")], domain=MICROSOFT)
        x = graph.node("Add", [x, graph.linear(h, f"{name}.mlp.fc2")])
    x = norm(x, f"{prefix}.post_layernorm")
    # A cell's patches side by side, row by row.
    cells = grid // factor
    x = graph.reshape(x, -1, cells, factor, cells, factor * width)
    x = graph.reshape(graph.transpose(x, 0, 1, 3, 2, 4), -1, cells * cells, factor * factor * width)
    x = graph.linear(x, "model.connector.modality_projection.proj", bias=False)
    graph.result(graph.node("Identity", [x], name="image_features"), ["all", cells * cells, "width"])
    return graph.model("vision_encoder")


def decoder(graph, config):
    text = config["text_config"]
    width, heads, key_heads, head = (
        text[name] for name in ["hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"]
    )

    def norm(x, name):
        return graph.node(
            "SimplifiedLayerNormalization", [x, graph.weight(f"{name}.weight")], axis=-1, epsilon=text["rms_norm_eps"]
        )

    def length(x, axis):
        return graph.node("Squeeze", [graph.node("Shape", [x], start=axis, end=axis + 1), graph.ints(0)])

    x = graph.input("inputs_embeds", TensorProto.FLOAT, ["batch", "rows", width])
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "all"])
    positions = graph.input("position_ids", TensorProto.INT64, ["batch", "rows"])
    kept = graph.input("num_logits_to_keep", TensorProto.INT64, [])

    angles = np.outer(np.arange(text["max_position_embeddings"]), text["rope_theta"] ** (-np.arange(0, head, 2) / head))
    tables = [graph.constant(table(angles).astype(np.float32)) for table in (np.cos, np.sin)]

    def rotate(x, count):
        inputs = [x, positions, *tables]
        return graph.node("RotaryEmbedding", inputs, domain=MICROSOFT, num_heads=count, interleaved=0)

    # New row i sees the cached rows and the new ones up to itself.
    one, zero = graph.constant(np.int64(1)), graph.constant(np.int64(0))
    every, new = length(mask, 1), length(x, 1)
    own = graph.node("Range", [graph.node("Sub", [every, new]), every, one])
    columns = graph.node("Unsqueeze", [graph.node("Range", [zero, every, one]), graph.ints(0)])
    causal = graph.node("LessOrEqual", [columns, graph.node("Unsqueeze", [own, graph.ints(1)])])
    real = graph.node("Unsqueeze", [graph.node("Cast", [mask], to=TensorProto.BOOL), graph.ints(1, 2)])
    seen = graph.node("And", [real, causal])
    bias = graph.node("Where", [seen, graph.constant(np.float32(0)), graph.constant(np.float32(-1e30))])
    # The query heads of a key head stand below each other, so that keys and values need no copies.
    group = heads // key_heads
    bias = graph.node("Tile", [bias, graph.ints(1, 1, group, 1)])

    scale = graph.constant(np.float32(head**-0.5))
    for layer in range(text["num_hidden_layers"]):
        name = f"model.text_model.layers.{layer}"
        h = norm(x, f"{name}.input_layernorm")
        q = rotate(graph.linear(h, f"{name}.self_attn.q_proj", bias=False), heads)
        q = graph.reshape(graph.node("Mul", [q, scale]), 0, 0, key_heads, group, head)
        q = graph.reshape(graph.transpose(q, 0, 2, 3, 1, 4), 0, key_heads, -1, head)
        k = rotate(graph.linear(h, f"{name}.self_attn.k_proj", bias=False), key_heads)
        v = graph.linear(h, f"{name}.self_attn.v_proj", bias=False)
        caches = []
        for kind, added in (("key", k), ("value", v)):
            past = f"past_key_values.{layer}.{kind}"
            graph.input(past, TensorProto.FLOAT, ["batch", key_heads, "past", head])
            added = graph.transpose(graph.reshape(added, 0, 0, key_heads, head), 0, 2, 1, 3)
            caches.append(graph.node("Concat", [past, added], name=f"present.{layer}.{kind}", axis=2))
            graph.result(caches[-1], ["batch", key_heads, "all", head])
        scores = graph.node("Add", [graph.node("MatMul", [q, graph.transpose(caches[0], 0, 1, 3, 2)]), bias])
        heard = graph.node("MatMul", [graph.node("Softmax", [scores], axis=-1), caches[1]])
        heard = graph.transpose(graph.reshape(heard, 0, 0, group, -1, head), 0, 3, 1, 2, 4)
        heard = graph.linear(graph.reshape(heard, 0, 0, width), f"{name}.self_attn.o_proj", bias=False)
        x = graph.node("Add", [x, heard])
        h = norm(x, f"{name}.post_attention_layernorm")
        gate = graph.linear(h, f"{name}.mlp.gate_proj", bias=False)
        gate = graph.node("Mul", [gate, graph.node("Sigmoid", [gate])])
        h = graph.node("Mul", [gate, graph.linear(h, f"{name}.mlp.up_proj", bias=False)])
        x = graph.node("Add", [x, graph.linear(h, f"{name}.mlp.down_proj", bias=False)])
    # 0 keeps all rows.
    first = graph.node("Neg", [graph.node("Unsqueeze", [kept, graph.ints(0)])])
    x = graph.node("Slice", [x, first, graph.ints(np.iinfo(np.int64).max), graph.ints(1)])
    logits = graph.linear(norm(x, "model.text_model.norm"), "lm_head", bias=False)
    graph.result(graph.node("Identity", [logits], name="logits"), ["batch", "kept", text["vocab_size"]])
    return graph.model("decoder_model_merged")


def check(model, config, folder):
    """Compares the graphs with torch: features, logits of a prompt, logits of a token after it. Prints the NMSE of each."""
    sessions = {path.stem: onnxruntime.InferenceSession(path) for path in folder.glob("*.onnx")}

    def run(name, **inputs):
        session = sessions[name]
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs)))

    def compare(what, found, expected):
        expected = expected.numpy()
        error = float(((found - expected) ** 2).sum() / (expected**2).sum())
        print(f"{what}: NMSE of ONNX against torch {error:.1e}")
        if not error <= NMSE_SAME:
            raise SystemExit(f"{what}: above {NMSE_SAME}: the graphs are wrong")

    side, text = config["vision_config"]["image_size"], config["text_config"]
    random = np.random.default_rng(0)
    pixels = random.uniform(-1, 1, (1, 2, 3, side, side)).astype(np.float32)
    ids = random.integers(END + 1, GLOBAL_TAG, (1, 33))
    with torch.no_grad():
        features = model.model.connector(model.model.vision_model(torch.from_numpy(pixels[0])).last_hidden_state)
        rows = model.get_input_embeddings()(torch.from_numpy(ids))
        rows = torch.cat([features.flatten(0, 1)[None], rows], 1)
        logits = model(inputs_embeds=rows).logits
    mask = np.ones((1, 2, side, side), bool)
    compare("features", run("vision_encoder", pixel_values=pixels, pixel_attention_mask=mask)["image_features"], features)
    embedded = run("embed_tokens", input_ids=ids)["inputs_embeds"]
    compare("embeddings", embedded, rows[:, -ids.shape[1] :])

    past = {
        f"past_key_values.{layer}.{kind}": np.zeros((1, text["num_key_value_heads"], 0, text["head_dim"]), np.float32)
        for layer in range(text["num_hidden_layers"])
        for kind in ("key", "value")
    }
    count = rows.shape[1]
    for what, begin, end, kept in [("prompt", 0, count - 1, 0), ("next token", count - 1, count, 1)]:
        outputs = run(
            "decoder_model_merged",
            inputs_embeds=rows[:, begin:end].numpy(),
            attention_mask=np.ones((1, end), np.int64),
            position_ids=np.arange(begin, end)[None],
            num_logits_to_keep=np.array(kept, np.int64),
            **past,
        )
        compare(f"logits of the {what}", outputs["logits"], logits[:, begin:end])
        past = {name: outputs[name.replace("past_key_values", "present")] for name in past}


if __name__ == "__main__":
    main()
