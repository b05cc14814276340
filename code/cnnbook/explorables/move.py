from .. import _book
PAPER = -0.1
WEIGHTS = _book.ROOT / "data" / "weights" / "moved-digit.safetensors"
