"""Every step that a SOW can ask for. Each module of this folder is one step, named after it."""
