"""The second engine: Spark, for data that outgrows one process. Optional; its result is DuckDB's, cell by cell.

Nothing here is imported unless a SOW says ``engine: spark``.
"""
