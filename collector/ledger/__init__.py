"""The append-only ledger over all journals: appending, proofs, audit, and bundles that prove one record."""
