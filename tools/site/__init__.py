"""What the built pages hold beyond what Jupyter Book writes."""

import sys

from tools import ROOT

sys.path.append(str(ROOT / "code"))  # where cnnbook lies
