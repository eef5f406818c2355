"""What an author of a SOW is helped with: what there is to write, whether it is right, and what it does to a file.

Everything here works on the author's own machine and on test files; no project's data passes through this room.
"""
