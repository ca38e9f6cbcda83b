"""Draws every sheet into a folder; the same sources draw the same bytes."""

import importlib
import pathlib
import sys

import parts

parts.OUT = pathlib.Path(sys.argv[1])
for source in sorted(pathlib.Path(__file__).parent.glob("*.py")):
    if source.stem not in ("parts", "draw"):
        importlib.import_module(source.stem)
