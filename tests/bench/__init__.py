"""The figures that Askwell promises, measured: `make bench`."""
