"""The vendors' doors: each adapter turns raw files into canonical tables, all text, with lineage."""
