"""`settings.py`, `models/` and the demo model, wherever they lie: `mer.shipped.settings`, `mer.shipped.models`.

In the repository they lie at the top, where people edit them, and this package looks there. In a wheel they lie in this
folder (setup.py copies them), because names such as `settings` and `models` must not be put beside other people's.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
IS_INSTALLED = (_HERE / "settings.py").is_file()  # from a wheel
ROOT = _HERE if IS_INSTALLED else _HERE.parents[1]
__path__ = [str(ROOT)]
