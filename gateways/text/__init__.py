"""Text as points in space, where what means alike lies near: for search in plain words.
Enter through `embedding.make_embedder`; the port is `gateways.ports.text.TextEmbedder`.
What a recording sounds like becomes such a point by the words of `description.py`."""
