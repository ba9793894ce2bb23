"""Shapes of the audio capability: what the analyser answers, and which files it reads.

The adapters in `gateways/audio/` make them, the vault keeps and publishes them.
"""
