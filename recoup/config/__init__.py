"""``recoup.toml``: what a district reads, by which rules, and what it writes."""

from recoup.config.model import Config, ExportSetting, Files, LeaSetting, Limit, Limits, Period, Secret, Sftp, Source, Value
from recoup.config.read import ENVIRONMENT, FILE_NAME, load, locate, schema

__all__ = [
    "ENVIRONMENT",
    "FILE_NAME",
    "Config",
    "ExportSetting",
    "Files",
    "LeaSetting",
    "Limit",
    "Limits",
    "Period",
    "Secret",
    "Sftp",
    "Source",
    "Value",
    "load",
    "locate",
    "schema",
]
