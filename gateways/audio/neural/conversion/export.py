"""Exports a wav2vec2 classifier, as dima806/music_genres_classification, for `onnx_models.py`.

    python -m gateways.audio.neural.conversion.export SOURCE MODELS/wav2vec2-genre LICENCE

SOURCE is the model's local folder (config.json, preprocessor_config.json, weights). Wants torch,
transformers and onnx, which nothing in the product does: run it in an environment of its own.
The other adapters' models are exported alike: a module that takes `wave` (1, samples) and answers
one tensor, in evaluation mode, with its mel picture or feature extractor inside; the id2label,
target_transform and rates of its own config go into config.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

WINDOW_S = 30.0
_OPSET = 17


def export(source: Path, folder: Path, licence: str, window_s: float = WINDOW_S) -> None:
    """Writes model.onnx and config.json. Nothing is fetched: what is not in SOURCE is missing."""
    import torch
    from transformers import Wav2Vec2ForSequenceClassification

    model = Wav2Vec2ForSequenceClassification.from_pretrained(
        source, local_files_only=True, attn_implementation="eager"
    )

    class OnWaves(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, wave: Any) -> Any:
            return self.model(input_values=wave).logits

    features = json.loads((source / "preprocessor_config.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        # The wrapper needs `eval` too: torch puts back the modes that it found, dropout included.
        OnWaves().eval(),
        (torch.zeros(1, round(window_s * features["sampling_rate"])),),
        str(folder / "model.onnx"),
        input_names=["wave"],
        output_names=["logits"],
        opset_version=_OPSET,
        dynamo=False,
    )
    config = {
        "id": model.config.name_or_path.rsplit("/", 1)[-1],
        "licence": licence,
        "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        "sampling_rate": features["sampling_rate"],
        "do_normalize": features["do_normalize"],
        "window_s": window_s,
        "id2label": model.config.id2label,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
