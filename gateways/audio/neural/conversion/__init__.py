"""How the files in `../weights` were made; nothing here runs in the product. `musicnn.py` converts
the published checkpoints (by `checkpoint.py` and `onnx_file.py`, without TensorFlow or onnx),
`axes.py` measures the sound vector's axes, `export.py` exports models of an operator's own."""
