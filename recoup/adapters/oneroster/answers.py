"""Records of the REST interface as rows of the files, so that both are read on alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.adapters.oneroster.fetching import records
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recoup.adapters.paged import Record

#: A role of a user, as it lies in the user's record (1.2), and the column that it is in ``roles``.
_ROLE = {"_role": "role", "_roleType": "roleType", "_roleOrg": "orgSourcedId", "_roleBegin": "beginDate", "_roleEnd": "endDate"}


def flattened(feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:
    """Yield the records of a page, each with its number, as its file would have it; a user stands once for each role."""
    for line, record in enumerate(records(value, f"{feed}/{place}"), 1):
        flat = _flat(record)
        if feed != "users":
            yield line, flat
            continue
        flat.setdefault("role", place.removesuffix("s"))
        for role in record.get("roles") or [{}]:
            told = _flat(role) if isinstance(role, dict) else {}
            yield line, {**flat, **{name: told.get(own) for name, own in _ROLE.items()}}


def with_roles(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Part the users of pages from their roles: ``users``, each once, and ``roles`` where a record has any."""
    users = rows.drop(*(name for name in _ROLE if name in rows.columns)).unique(["sourcedId", "_file", "_line"], maintain_order=True)
    users = users.unique("sourcedId", keep="first", maintain_order=True)
    if "_roleOrg" not in rows.columns or rows["_roleOrg"].is_null().all():
        return {"users": users}
    key = pl.concat_str("sourcedId", pl.lit("/"), pl.col("_roleOrg").fill_null(""), pl.lit("/"), pl.col("_role").fill_null(""),
                        pl.lit("/"), pl.col("_roleBegin").fill_null(""))  # fmt: skip
    own = (pl.col(name).alias(to) for name, to in _ROLE.items() if name in rows.columns)
    told = rows.filter(pl.col("_role").is_not_null())
    roles = told.select(key.alias("sourcedId"), pl.col("sourcedId").alias("userSourcedId"), *own, *LINEAGE)
    return {"users": users, "roles": roles.unique("sourcedId", keep="first", maintain_order=True)}


def _flat(record: Record) -> Record:
    """Lay out one record: references by their key, lists with commas, ``userIds`` as ``{type:id}``, extensions as ``metadata.<name>``."""
    flat: Record = {}
    for name, value in record.items():
        if isinstance(value, dict) and "sourcedId" in value:
            flat[f"{name}SourcedId"] = value["sourcedId"]
        elif isinstance(value, dict):
            flat |= {f"{name}.{inner}": cell for inner, cell in value.items()}
        elif isinstance(value, list) and name == "userIds":
            flat[name] = ",".join(f"{{{one.get('type')}:{one.get('identifier')}}}" for one in value if isinstance(one, dict))
        elif isinstance(value, list) and all(isinstance(one, dict) for one in value):
            flat[f"{name.removesuffix('s')}SourcedIds"] = ",".join(str(one["sourcedId"]) for one in value if "sourcedId" in one)
        elif isinstance(value, list):
            flat[name] = ",".join(map(str, value))
        else:
            flat[name] = value
    return flat
