"""The embedded stack: real servers on loopback for development and tests, each in a process session of its own."""
