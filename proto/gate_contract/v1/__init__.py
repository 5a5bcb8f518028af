"""Generated messages and services of version 1; made by `make proto`."""
