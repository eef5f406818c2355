"""What each step means as SQL. Every module of this folder registers one step of ``contract/steps/``."""
