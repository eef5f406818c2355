"""The numbers in bench/README.md, measured: `make bench`."""
