"""The ledger's expressions on Apache Spark (the extra ``recoup[spark]``): the same results as on Polars, here or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    Frame = nw.LazyFrame[Any]

#: On this machine the ledger's many small steps cost more to plan and compile than to run; Spark's own values are meant for a cluster.
HERE = {"spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def spark_session() -> SparkSession:
    """Return the session of this process, else a new one on the master that Spark's own configuration names (this machine without one).

    Raises ``ENGINE_MISSING`` (2) where pyspark or Java is not installed.
    """
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise RecoupError("ENGINE_MISSING", missing="the package pyspark") from None
    quiet = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    try:
        session = SparkSession.builder.appName("recoup").config(map=quiet).getOrCreate()
    except PySparkRuntimeError:
        raise RecoupError("ENGINE_MISSING", missing="Java 17 or later") from None
    if session.sparkContext.master.startswith("local"):
        for name, value in HERE.items():
            session.conf.set(name, value)
        session.conf.set("spark.sql.shuffle.partitions", str(session.sparkContext.defaultParallelism))
    return session


class SparkEngine:
    """Apache Spark, on the given session. Raises ``ENGINE_FAILED`` (1) when Spark stops; its own words may quote rows and stay out."""

    def __init__(self, session: SparkSession | None = None) -> None:
        self._session = session or spark_session()
        # Every union adds up its parts' partitions; without a bound they grow at each step.
        self._partitions = int(self._session.conf.get("spark.sql.shuffle.partitions") or 1)

    def bring(self, frame: pl.DataFrame) -> Frame:
        """Hand a frame to the engine: whole numbers as long, whatever their width."""
        from pyspark.sql import types

        kinds = {pl.String: types.StringType(), pl.Boolean: types.BooleanType()}
        fields = [types.StructField(name, kinds.get(type_.base_type(), types.LongType())) for name, type_ in frame.schema.items()]
        brought: Frame = nw.from_native(self._session.createDataFrame(frame.rows(), types.StructType(fields), verifySchema=False))
        return brought

    def settle(self, frame: Frame) -> Frame:
        """Compute a frame that several later steps read, once, and forget how it was made."""
        native: DataFrame = frame.to_native()
        settled: Frame = nw.from_native(_done(lambda: native.coalesce(self._partitions).localCheckpoint(eager=True)))
        return settled

    def take(self, frame: Frame) -> pl.DataFrame:
        """Bring a result home."""
        native: DataFrame = frame.to_native()
        kinds = {"string": pl.String, "boolean": pl.Boolean}
        schema = {field.name: kinds.get(field.dataType.typeName(), pl.Int64) for field in native.schema.fields}
        return pl.DataFrame([tuple(row) for row in _done(native.collect)], schema=schema, orient="row")


def _done(action: Any) -> Any:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return action()
    except (Py4JError, PySparkException):
        raise RecoupError("ENGINE_FAILED") from None
