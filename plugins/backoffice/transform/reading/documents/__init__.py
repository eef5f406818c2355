"""Documents (PDF, pictures of pages) to tables: one row each, and the rows of the tables within them.

``reading`` is the parent; all parsing is the child's, ``documents_child`` beside this folder: ``pdf`` and ``pictures`` give
pages of words with their places, ``recognition`` those of a scan, ``fields`` and ``items`` find what was agreed.
"""
