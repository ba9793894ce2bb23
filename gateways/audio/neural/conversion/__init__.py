"""How the files in `../weights` were made; nothing here runs in the product.
`musicnn.py` converts the published checkpoints, `axes.py` measures the sound vector's axes.
`checkpoint.py` reads TensorFlow's format and `onnx_file.py` writes ONNX, both without either."""
