"""Spark, for data that outgrows one process: a session of one's own, and DuckDB's SQL said in its words. Optional.

Two stages ask it, each for itself: the transformation and the check. Nothing here is imported unless a SOW says
``engine: spark``.
"""
