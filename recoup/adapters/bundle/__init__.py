"""The canonical model itself as files: a folder of ``<table>.csv``, or one zip of them."""

from recoup.adapters.bundle.adapter import ADAPTER

__all__ = ["ADAPTER"]
